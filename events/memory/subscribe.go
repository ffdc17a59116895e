package memory

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/salvor-io/salvor/events"
)

const (
	concurrency    = 16
	firstRedeliver = 250 * time.Millisecond
	lastRedeliver  = 30 * time.Second
)

// share is how far all subscribers of one name are, together.
type share struct {
	next  uint64     // place of the first event that was given to nobody yet
	again []delivery // what is to be given again, in no order
}

// delivery is one event to be given to a subscriber.
type delivery struct {
	seq   uint64
	count int       // how often it was given before
	due   time.Time // not before
}

// Subscribe implements [events.Log]. Up to 16 handlers run at once. An event that failed comes again after a quarter of a
// second, then after ever longer pauses of up to half a minute.
func (l *Log) Subscribe(ctx context.Context, name string, handle events.Handler) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var workers sync.WaitGroup
	workers.Go(func() {
		select {
		case <-l.closing:
			cancel(events.ErrClosed)
		case <-ctx.Done():
		}
	})
	for range concurrency {
		workers.Go(func() { l.work(ctx, name, handle) })
	}
	workers.Wait()
	cancel(nil)
	return ended(ctx)
}

func (l *Log) work(ctx context.Context, name string, handle events.Handler) {
	for {
		d, ev, ok := l.take(ctx, name)
		if !ok {
			return
		}
		l.settle(ctx, name, d, ev, guard(ctx, handle, ev))
	}
}

// take waits for an event to handle, until ctx ends.
func (l *Log) take(ctx context.Context, name string) (delivery, events.Recorded, bool) {
	for ctx.Err() == nil {
		d, ev, changed := l.pick(name)
		if changed == nil {
			return d, ev, true
		}
		await(ctx, changed, d.due)
	}
	return delivery{}, events.Recorded{}, false
}

// await waits for the change, until something is due (never, when that is zero) or ctx ends.
func await(ctx context.Context, changed <-chan struct{}, due time.Time) {
	var alarm <-chan time.Time
	if !due.IsZero() {
		timer := time.NewTimer(time.Until(due))
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-changed:
	case <-alarm:
	case <-ctx.Done():
	}
}

// pick takes what is due to be given again, or what is new. When there is neither it tells what to wait for, and in the
// delivery when the next one is due.
func (l *Log) pick(name string) (delivery, events.Recorded, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.share(name)
	var later delivery
	s.again, later = l.forget(s.again)
	for i, d := range s.again {
		if time.Until(d.due) <= 0 {
			s.again = slices.Delete(s.again, i, i+1)
			at, _ := l.find(d.seq)
			return d, l.copyAt(at), nil
		}
	}
	i, _ := l.find(s.next)
	if i == len(l.kept) {
		return later, events.Recorded{}, l.changed
	}
	ev := l.copyAt(i)
	s.next = ev.Seq + 1
	return delivery{seq: ev.Seq}, ev, nil
}

// forget leaves out deliveries of events that are kept no more, and finds the one that is due first.
func (l *Log) forget(all []delivery) (left []delivery, first delivery) {
	left = slices.DeleteFunc(all, func(d delivery) bool {
		_, kept := l.find(d.seq)
		return !kept
	})
	for _, d := range left {
		if first.due.IsZero() || d.due.Before(first.due) {
			first = d
		}
	}
	return left, first
}

func (l *Log) share(name string) *share {
	s := l.shares[name]
	if s == nil {
		s = &share{next: 1}
		l.shares[name] = s
	}
	return s
}

// settle does what the handler's answer says.
func (l *Log) settle(ctx context.Context, name string, d delivery, ev events.Recorded, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
	case events.IsPermanent(err):
		l.letters = append(l.letters, Letter{
			Subject: fmt.Sprintf("salvor.dead.%s.%d", events.Token(name), ev.Seq), Reason: err.Error(), Data: ev.Data,
		})
	default:
		wait := redeliverAfter(d.count)
		if ctx.Err() != nil {
			wait = 0
		}
		s := l.share(name)
		s.again = append(s.again, delivery{seq: d.seq, count: d.count + 1, due: time.Now().Add(wait)})
		l.wake()
	}
}

// guard turns a panic of the handler into a Permanent error.
func guard(ctx context.Context, handle events.Handler, ev events.Recorded) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = events.Permanent(fmt.Errorf("handler panicked: %v", cause))
		}
	}()
	return handle(ctx, ev)
}

// redeliverAfter is the pause after a delivery that came after count others.
func redeliverAfter(count int) time.Duration {
	wait := firstRedeliver
	for ; count > 0 && wait < lastRedeliver; count-- {
		wait *= 2
	}
	return min(wait, lastRedeliver)
}
