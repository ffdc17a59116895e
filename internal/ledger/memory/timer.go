package memory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/salvor-io/salvor/internal/ledger"
)

// soonest is how long a timer waits at least, as in the durable ledger: one that is set again and again for now lets time pass.
const soonest = 250 * time.Millisecond

// wait is a timer with when it fires.
type wait struct {
	ledger.Timer
	fires time.Time
}

// SetTimer sets a timer, or sets it anew, see [ledger.Ledger.SetTimer]. It fires at its time, or 250 ms from now when that is past
// or nearer.
func (l *Ledger) SetTimer(ctx context.Context, t ledger.Timer) error {
	if t.ID == "" {
		return errors.New("set timer: it has no id")
	}
	if err := away(ctx); err != nil {
		return fmt.Errorf("set timer %s: %w", t.ID, err)
	}
	s := l.store
	s.mu.Lock()
	defer s.mu.Unlock()
	fires := s.now().Add(soonest)
	if t.At.After(fires) {
		fires = t.At
	}
	s.timers[t.ID] = wait{t, fires}
	return nil
}

// Due takes out the timers that have fired by now, in the order in which they did, those of one moment by id. One of them may be
// stale, which whoever takes it finds out: see [ledger.Timer.ForSeq].
func (s *Store) Due(now time.Time) []ledger.Timer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var fired []wait
	for id, w := range s.timers {
		if !w.fires.After(now) {
			fired = append(fired, w)
			delete(s.timers, id)
		}
	}
	slices.SortFunc(fired, func(a, b wait) int { return cmp.Or(a.fires.Compare(b.fires), cmp.Compare(a.ID, b.ID)) })
	var out []ledger.Timer
	for _, w := range fired {
		out = append(out, w.Timer)
	}
	return out
}

// NextTimer is when the next timer fires, false when none is set.
func (s *Store) NextTimer() (next time.Time, set bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.timers {
		if !set || w.fires.Before(next) {
			next, set = w.fires, true
		}
	}
	return next, set
}
