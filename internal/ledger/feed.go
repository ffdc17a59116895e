package ledger

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	atOnce     = 64      // deliveries of one feed that are worked on at once
	maxPending = 1 << 16 // deliveries that wait for their next attempt, in all processes: one that fails never blocks another
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// feed gives what a durable consumer delivers to do, one delivery of a subject at a time and of those that wait only the last.
// The consumer is shared by all processes.
type feed struct {
	ledger *Ledger
	log    *slog.Logger
	stream string
	name   string
	filter string
	do     func(context.Context, stored) error
	slots  chan struct{}
	wg     sync.WaitGroup

	mu    sync.Mutex
	turns map[string]*turn // by subject
}

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

func (l *Ledger) feed(stream, name, filter string, do func(context.Context, stored) error) *feed {
	return &feed{ledger: l, log: l.log.With("by", name), stream: stream, name: name, filter: filter, do: do,
		slots: make(chan struct{}, atOnce), turns: map[string]*turn{}}
}

// run takes deliveries until ctx ends, then waits for what is being done.
func (f *feed) run(ctx context.Context) error {
	defer f.wg.Wait()
	for wait := firstPause; ctx.Err() == nil; wait = min(2*wait, longestPause) {
		came, err := f.read(ctx)
		if came {
			wait = firstPause
		}
		f.log.Debug("taking deliveries begins anew", "stream", f.stream, "error", err)
		_ = sleep(ctx, wait) // the loop ends when ctx has ended
	}
	return nil
}

// read takes deliveries until the reading breaks, and says whether any came.
func (f *feed) read(ctx context.Context) (came bool, err error) {
	reading, cancel := f.ledger.untilReconnected(ctx)
	defer cancel()
	it, err := f.open(reading)
	if err != nil {
		return false, err
	}
	defer it.Stop()
	for {
		select {
		case f.slots <- struct{}{}:
		case <-reading.Done():
			return came, reading.Err()
		}
		msg, err := it.Next(jetstream.NextContext(reading))
		if err != nil {
			<-f.slots
			return came, fmt.Errorf("take the next delivery: %w", err)
		}
		came = true
		f.take(ctx, msg)
	}
}

func (f *feed) open(ctx context.Context) (jetstream.MessagesContext, error) {
	creating, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	consumer, err := f.ledger.js.CreateOrUpdateConsumer(creating, f.stream, jetstream.ConsumerConfig{
		Durable:       f.name,
		FilterSubject: f.filter,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       f.ledger.ackWait,
		MaxAckPending: maxPending,
	})
	if err != nil {
		return nil, fmt.Errorf("create consumer %s of %s: %w", f.name, f.stream, err)
	}
	return consumer.Messages(jetstream.PullMaxMessages(1), jetstream.PullHeartbeat(pullHeartbeat),
		jetstream.WithMessagesErrOnMissingHeartbeat(true))
}

// take begins a turn with the delivery, or lets the turn under way have it. The slot that was taken goes with the turn.
func (f *feed) take(ctx context.Context, msg jetstream.Msg) {
	meta, err := msg.Metadata()
	if err != nil {
		<-f.slots
		f.log.Error("delivery has no place in the stream", "subject", msg.Subject(), "error", err)
		return
	}
	d := delivery{msg, meta}
	begun, stale := f.join(d)
	if begun == nil {
		<-f.slots
		if stale != nil {
			f.answer(ctx, *stale, nil)
		}
		return
	}
	f.wg.Go(func() {
		defer func() { <-f.slots }()
		f.serve(ctx, begun)
	})
}

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
	defer f.keep(t)()
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
			f.log.Error("a move panicked", "subject", t.now.Subject(), "panic", cause, "stack", string(debug.Stack()))
		}
	}()
	f.mu.Lock()
	d := t.now
	f.mu.Unlock()
	return f.do(ctx, stored{d.Subject(), d.seq(), d.Data(), d.meta.Timestamp})
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
