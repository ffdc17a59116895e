package jetstream

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"

	"github.com/salvor-io/salvor/events"
)

// untilClosed is ctx, ended also by Close.
func (l *Log) untilClosed(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, whenever(cancel, func() error {
		select {
		case <-l.closed:
			return events.ErrClosed
		case <-ctx.Done():
			return nil
		}
	})
}

var errReconnected = errors.New("nats was reconnected, what was asked before is lost")

// untilReconnected is ctx, ended also by the next reconnection, after which no answer to an earlier request comes.
func (l *Log) untilReconnected(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	connected := l.conn.NATS().StatusChanged(nats.CONNECTED)
	return ctx, whenever(cancel, func() error {
		defer l.conn.NATS().RemoveStatusListener(connected)
		select {
		case <-connected:
			return errReconnected
		case <-ctx.Done():
			return nil
		}
	})
}

// whenever cancels with the error that wait returns. The function it gives ends the waiting and returns after it.
func whenever(cancel context.CancelCauseFunc, wait func() error) context.CancelFunc {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := wait(); err != nil {
			cancel(err)
		}
	}()
	return func() {
		cancel(context.Canceled)
		<-done
	}
}

// ended is what a call returns whose ctx ended: nothing when the caller ended it.
func ended(ctx context.Context) error {
	if errors.Is(context.Cause(ctx), events.ErrClosed) {
		return events.ErrClosed
	}
	return nil
}
