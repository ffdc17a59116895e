package app

import (
	"context"
	"fmt"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/events/jetstream"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/pipeline"
)

// folding keeps the view and the index of incidents up with the store.
type folding struct {
	log      *jetstream.Log
	ledger   *ledger.Ledger
	pipeline *pipeline.Pipeline
	heard    func(events.Recorded)    // told of each event after it was folded
	moved    func(incident.Sequenced) // told of each record after it was folded
	logger   *slog.Logger

	events, incidents chan struct{} // closed when caught up
}

// run follows both until ctx ends, or one of them can never go on.
func (f *folding) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := f.log.Follow(ctx, 0, func(ev events.Recorded) error { return f.event(ctx, ev) }, func() { close(f.events) }); err != nil {
			return fmt.Errorf("follow the event log: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		if err := f.ledger.Follow(ctx, f.record, func() { close(f.incidents) }); err != nil {
			return fmt.Errorf("follow the ledger: %w", err)
		}
		return nil
	})
	return group.Wait()
}

// caughtUp waits until the view and the index have folded what was there before.
func (f *folding) caughtUp(ctx context.Context) error {
	for _, done := range []chan struct{}{f.events, f.incidents} {
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// event folds one event. One that can never be folded is kept aside with its reason; the view goes on without it.
func (f *folding) event(ctx context.Context, ev events.Recorded) error {
	err := f.pipeline.Fold(ctx, ev)
	if err == nil {
		f.heard(ev)
		return nil
	}
	f.logger.Warn("event cannot be read, it goes to the dead letters", "event", ev.ID, "type", ev.Type, "error", err)
	select {
	case <-f.events:
	default:
		return nil // history: it was kept aside when it came
	}
	if dead := f.log.DeadLetter(ctx, "view", err.Error(), ev.Data, nil); dead != nil {
		f.logger.Error("dead letter not kept", "event", ev.ID, "error", dead)
	}
	return nil
}

// record folds one record. One that does not fit makes this replica leave that incident alone, not all of them.
func (f *folding) record(rec incident.Sequenced) error {
	if err := f.pipeline.Record(rec); err != nil {
		f.logger.Error("incident left alone", "incident", rec.Incident.Name(), "error", err)
		return nil
	}
	f.moved(rec)
	return nil
}
