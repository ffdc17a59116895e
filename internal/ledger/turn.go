package ledger

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// turn is one subject being worked on.
type turn struct {
	now  delivery
	next *delivery // the last that came meanwhile
}

type delivery struct {
	jetstream.Msg
	meta *jetstream.MsgMetadata
}

func (d delivery) seq() uint64 { return d.meta.Sequence.Stream }

// join returns the turn that the delivery begins, or nil and the delivery that has become stale, if any.
func (f *feed) join(d delivery) (begun *turn, stale *delivery) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.turns[d.Subject()]
	switch {
	case t == nil:
		t = &turn{now: d}
		f.turns[d.Subject()] = t
		return t, nil
	case d.seq() == t.now.seq():
		t.now = d // it was delivered again, the answer goes to the last delivery
		return nil, nil
	case d.seq() < t.now.seq(), t.next != nil && d.seq() < t.next.seq():
		return nil, &d
	}
	stale, t.next = t.next, &d
	return nil, stale
}

// serve works on the subject until nothing of it waits.
func (f *feed) serve(ctx context.Context, t *turn) {
	for {
		err := f.attempt(ctx, t)
		done, more := f.advance(t)
		if more {
			err = nil // whatever came of it, there is a later one
		}
		f.answer(ctx, done, err)
		if !more {
			return
		}
	}
}

// advance ends the turn, or goes on to what waits. It returns the delivery that was worked on.
func (f *feed) advance(t *turn) (done delivery, more bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	done = t.now
	if t.next == nil {
		delete(f.turns, done.Subject())
		return done, false
	}
	t.now, t.next = *t.next, nil
	return done, true
}

// attempt does what the delivery is for, keeping it and what waits from other processes meanwhile.
func (f *feed) attempt(ctx context.Context, t *turn) (err error) {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	f.mu.Lock()
	d := t.now
	f.mu.Unlock()
	defer f.keep(t)()
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
			f.log.Error("a move panicked", "subject", d.Subject(), "panic", cause, "stack", string(debug.Stack()))
		}
	}()
	return f.do(ctx, stored{Subject: d.Subject(), Seq: d.seq(), Data: d.Data(), At: d.meta.Timestamp})
}

// keep says that the turn is in progress every now and then, until the function it returns was called.
func (f *feed) keep(t *turn) func() {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		again := time.NewTicker(f.ledger.ackWait / 4)
		defer again.Stop()
		for {
			select {
			case <-again.C:
				f.progress(t)
			case <-stop:
				return
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
	}
}

// progress may fail: the next one makes up for it, or another process takes the delivery and finds what was done.
func (f *feed) progress(t *turn) {
	f.mu.Lock()
	now, next := t.now, t.next
	f.mu.Unlock()
	_ = now.InProgress()
	if next != nil {
		_ = next.InProgress()
	}
}

// answer tells the server what became of a delivery.
func (f *feed) answer(ctx context.Context, d delivery, err error) {
	switch {
	case err == nil:
		err = d.Ack()
	case ctx.Err() != nil:
		err = d.Nak() // another process may have it at once
	default:
		wait := retryAfter(d.meta.NumDelivered)
		f.log.Warn("a move is made again later", "subject", d.Subject(), "seq", d.seq(), "after", wait, "error", err)
		err = d.NakWithDelay(wait)
	}
	if err != nil {
		f.log.Debug("a delivery was not answered, it comes again", "subject", d.Subject(), "seq", d.seq(), "error", err)
	}
}

// retryAfter is the wait after the nth delivery failed.
func retryAfter(deliveries uint64) time.Duration {
	wait := firstRetry
	for ; deliveries > 1 && wait < lastRetry; deliveries-- {
		wait *= 2
	}
	return min(wait, lastRetry)
}
