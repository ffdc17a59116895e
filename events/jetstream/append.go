package jetstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/salvor-io/salvor/events"
)

// Append implements [events.Log]. Calls that run at once share atomic batches, and so fsyncs.
func (l *Log) Append(ctx context.Context, evs ...events.Event) ([]events.Receipt, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, appendWithin, events.ErrUnavailable)
	defer cancel()
	msgs := make([]*nats.Msg, len(evs))
	for i, ev := range evs {
		msg, err := encode(ev)
		if err != nil {
			return nil, fmt.Errorf("append event: %w", err)
		}
		msgs[i] = msg
	}
	if len(msgs) == 0 {
		return nil, nil
	}
	if err := l.conn.trouble(); err != nil {
		return nil, fmt.Errorf("append %d events: %w: %w", len(evs), events.ErrUnavailable, err)
	}
	receipts, err := l.appends.submit(ctx, msgs)
	if err != nil {
		return nil, fmt.Errorf("append %d events: %w", len(evs), err)
	}
	return receipts, nil
}

// unavailable marks an error of the store as one after which nothing is known.
func unavailable(err error) error {
	if errors.Is(err, events.ErrUnavailable) || errors.Is(err, events.ErrClosed) {
		return err
	}
	return fmt.Errorf("%w: %w", events.ErrUnavailable, err)
}
