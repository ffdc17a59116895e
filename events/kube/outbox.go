package kube

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/salvor-io/salvor/events"
)

const (
	maxPending = 1 << 16 // objects whose newest event may wait
	maxBatch   = 256     // events in one Append
)

// outbox holds what the log has yet to accept: the newest event of each object, in the order in which the objects first
// changed. What does not fit is dropped and said; comparing with the View brings it back later.
type outbox struct {
	log    Appender
	logger *slog.Logger
	wake   chan struct{}

	mu      sync.Mutex
	order   []string // keys of pending
	pending map[string]letter
	full    bool // the last new object was dropped, which is said of the first
}

// letter is an event, or something to do when all before it was accepted.
type letter struct {
	event events.Event
	after func()
}

func newOutbox(log Appender, logger *slog.Logger) *outbox {
	return &outbox{log: log, logger: logger, wake: make(chan struct{}, 1), pending: map[string]letter{}}
}

// put takes the newest event of the object named key, in place of one that was not accepted yet.
func (o *outbox) put(key string, ev events.Event) { o.add(key, letter{event: ev}) }

// whenSent calls do, once, as soon as the log has accepted all that was put before.
func (o *outbox) whenSent(key string, do func()) { o.add("\x00"+key, letter{after: do}) }

func (o *outbox) add(key string, l letter) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before, waits := o.pending[key]
	if of, repeats := events.SaidOf(l.event.Entity); repeats && waits && before.event.Entity == of {
		l.event.Entity = of // what was to be said anew was not heard yet
	}
	if !waits {
		full := len(o.order) >= maxPending && l.after == nil
		if full && !o.full {
			o.logger.Error("events are dropped: too many wait for the log", "first", l.event.Entity, "waiting", len(o.order))
		}
		if o.full = full; full {
			return
		}
		o.order = append(o.order, key)
	}
	o.pending[key] = l
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// run appends until ctx ends, again and again while the log does not accept.
func (o *outbox) run(ctx context.Context) {
	const least, most = 100 * time.Millisecond, 5 * time.Second
	pause := least
	for {
		keys, sent := o.batch()
		switch err := o.append(ctx, sent); {
		case ctx.Err() != nil:
			return
		case err != nil:
			o.logger.Warn("log does not accept events, trying again", "waiting", len(keys), "after", pause, "error", err)
			sleep(ctx, pause)
			pause = min(2*pause, most)
			continue
		}
		pause = least
		o.settle(keys, sent)
		if len(keys) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-o.wake:
		}
	}
}

// batch are the first letters in order. They stay pending until settled.
func (o *outbox) batch() ([]string, []events.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	keys := append([]string(nil), o.order[:min(len(o.order), maxBatch)]...)
	var evs []events.Event
	for _, key := range keys {
		if l := o.pending[key]; l.after == nil {
			evs = append(evs, l.event)
		}
	}
	return keys, evs
}

// append hands events to the log. When the log says that no retry can mend them, they go one by one and the culprits are
// dropped.
func (o *outbox) append(ctx context.Context, evs []events.Event) error {
	if len(evs) == 0 {
		return nil
	}
	_, err := o.log.Append(ctx, evs...)
	if err == nil || !events.IsPermanent(err) {
		return err
	}
	if len(evs) == 1 {
		o.logger.Error("event dropped: the log refuses it", "event", evs[0].ID, "entity", evs[0].Entity, "error", err)
		return nil
	}
	for i := range evs {
		if err := o.append(ctx, evs[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

// settle drops the letters of keys, but keeps those that were replaced by newer ones meanwhile.
func (o *outbox) settle(keys []string, sent []events.Event) {
	accepted := make(map[string]bool, len(sent))
	for _, ev := range sent {
		accepted[ev.ID] = true
	}
	var then []func()
	defer func() {
		for _, do := range then {
			do()
		}
	}()
	o.mu.Lock()
	defer o.mu.Unlock()
	var kept []string
	for _, key := range keys {
		l := o.pending[key]
		if l.after == nil && !accepted[l.event.ID] {
			kept = append(kept, key)
			continue
		}
		delete(o.pending, key)
		if l.after != nil {
			then = append(then, l.after)
		}
	}
	o.order = append(kept, o.order[len(keys):]...)
}

// sleep waits for a while or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
