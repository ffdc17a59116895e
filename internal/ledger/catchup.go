package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
)

// place finds where the history ends now, and that it does not end before what was folded.
func (f *follower) place(ctx context.Context) error {
	looking, cancel := context.WithTimeout(ctx, f.ledger.callWithin)
	defer cancel()
	stream, err := f.ledger.js.Stream(looking, IncidentsStream)
	if err != nil {
		return fmt.Errorf("look at stream %s: %w", IncidentsStream, err)
	}
	if end := stream.CachedInfo().State.LastSeq; end < f.last {
		return stopError{fmt.Errorf("follow incidents: record %d was folded, but the ledger ends at %d; it is not the same any more: start anew", f.last, end)}
	}
	msg, err := f.ledger.last(ctx, anyIncident)
	if err != nil {
		return err
	}
	f.target, f.behind = 0, true
	if msg != nil {
		f.target = msg.Seq
	}
	return f.catchUp(ctx)
}

// next waits for the next record. While history is missing it does not wait for ever, since that may be archived and purged
// before it came: the next reading then finds another end.
func (f *follower) next(ctx context.Context, it jetstream.MessagesContext) (jetstream.Msg, error) {
	if !f.behind {
		return it.Next(jetstream.NextContext(ctx))
	}
	waiting, cancel := context.WithTimeout(ctx, f.patience)
	defer cancel()
	msg, err := it.Next(jetstream.NextContext(waiting))
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		f.patience = min(2*f.patience, forgetAfter) // where it is the store that takes so long, it gets longer
		return nil, fmt.Errorf("record %d does not come", f.target)
	}
	return msg, err
}

// catchUp ends the history when all of it was folded.
func (f *follower) catchUp(ctx context.Context) error {
	if !f.behind || f.last < f.target {
		return nil
	}
	for _, subject := range slices.Sorted(maps.Keys(f.begun)) {
		if err := f.complete(ctx, subject); err != nil {
			return err
		}
	}
	f.behind, f.patience = false, callWithin
	if f.caughtUp != nil {
		f.caughtUp()
		f.caughtUp = nil
	}
	return nil
}

// complete gives the rest of an incident that was archived and purged in the midst of its history: without it, it would seem to
// live for ever.
func (f *follower) complete(ctx context.Context, subject string) error {
	last, err := f.ledger.last(ctx, subject)
	if err != nil || last != nil {
		return err
	}
	history, err := f.ledger.archived(ctx, incident.ID(lastToken(subject)))
	switch {
	case errors.Is(err, events.ErrUnavailable):
		return err
	case err != nil:
		f.ledger.log.Error("the rest of an incident is in no place that can be read, it is taken to live", "subject", subject, "after", f.begun[subject], "error", err)
		return nil
	}
	for _, msg := range history {
		if msg.Seq <= f.begun[subject] {
			continue
		}
		if err := f.give(msg); err != nil {
			return err
		}
	}
	return nil
}
