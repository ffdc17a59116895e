package probe

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/salvor-io/salvor/events"
)

// Worth is how long an attempt speaks for its target.
const Worth = 10 * time.Second

const (
	every       = 2500 * time.Millisecond // from the beginning of one attempt to that of the next
	again       = 500 * time.Millisecond  // the least pause, and the one after an attempt that disagrees with what is held
	within      = 4 * time.Second         // deadline of an attempt
	late        = time.Second             // an attempt that ends so long after its deadline was held up by this process
	reportEvery = 7 * time.Second
	appendTakes = 3 * time.Second
)

// watch tries one target again and again, and reports what is held of it.
type watch struct {
	source *Source
	target string
	check  Check
	log    *slog.Logger
	wake   chan struct{} // takes one when an attempt has ended

	mu   sync.Mutex
	held opinion

	said    attempt // what was last reported; used by reports only
	saidAt  time.Time
	refused bool // the log did not take the last report

	unclear bool // the last attempt could not tell; used by attempts only
}

// attempts tries until ctx ends.
func (w *watch) attempts(ctx context.Context) {
	for {
		got := w.attempt(ctx)
		if ctx.Err() != nil {
			return // whatever it found out, it was cut short
		}
		w.mu.Lock()
		agrees := w.held.take(got)
		w.mu.Unlock()
		w.tell(got)
		select {
		case w.wake <- struct{}{}:
		default:
		}
		pause := max(again, every-got.took)
		if got.err == nil && !agrees {
			pause = again
		}
		if !sleep(ctx, pause) {
			return
		}
	}
}

// attempt tries once.
func (w *watch) attempt(ctx context.Context) attempt {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	began := time.Now()
	answer, err := w.safely(ctx)
	got := attempt{Answer: answer, err: err, ended: time.Now()}
	got.took = Age(began, got.ended)
	if got.err == nil && got.took > within+late {
		got.err = fmt.Errorf("the attempt took %s: this process stood still", got.took.Round(time.Second))
	}
	return got
}

func (w *watch) safely(ctx context.Context) (a Answer, err error) {
	defer func() {
		if r := recover(); r != nil {
			w.log.Error("probe panicked", "cause", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("probe %s: panic: %v", w.target, r)
		}
	}()
	return w.check(ctx)
}

// tell logs when attempts begin or cease to be unclear.
func (w *watch) tell(got attempt) {
	unclear := got.err != nil
	if unclear && !w.unclear {
		w.log.Warn("probe cannot tell, nothing is said", "error", got.err)
	}
	w.unclear = unclear
}

// reports reports until ctx ends. A report that the log did not take is not kept: the next one says what is so then.
func (w *watch) reports(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		case <-tick.C:
		}
		w.report(ctx, time.Now())
	}
}

// report says what is held when it has changed or was not said for a while.
func (w *watch) report(ctx context.Context, now time.Time) {
	w.mu.Lock()
	held, ok := w.held.current(now)
	w.mu.Unlock()
	changed := w.saidAt.IsZero() || held.Up != w.said.Up
	if !ok || !changed && Age(w.saidAt, now) < reportEvery {
		return
	}
	ev, err := w.source.event(w.target, held, now)
	if err == nil {
		if !changed && held.Expires.Equal(w.said.Expires) {
			ev.Entity = events.Again(ev.Entity)
		}
		bounded, cancel := context.WithTimeout(ctx, appendTakes)
		defer cancel()
		_, err = w.source.opts.Log.Append(bounded, ev)
	}
	if err != nil {
		if !w.refused && ctx.Err() == nil {
			w.log.Warn("probe not recorded, trying again with what is found then", "error", err)
		}
		w.refused = true
		return
	}
	switch {
	case changed && held.Up:
		w.log.Info("probe: up")
	case changed:
		w.log.Warn("probe: not up", "reason", held.Reason)
	}
	w.said, w.saidAt, w.refused = held, now, false
}

// sleep waits and says whether ctx is still alive after it.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
