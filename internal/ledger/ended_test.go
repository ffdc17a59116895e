package ledger

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestOneOfManyEndsIt(t *testing.T) {
	s := startStore(t)
	replicas := []*Ledger{s.ledger("one"), s.ledger("two")}
	var firsts atomic.Int32
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			first, err := replicas[i%2].End(t.Context(), "a link", time.Now().Add(time.Hour))
			if err != nil {
				t.Error(err)
			}
			if first {
				firsts.Add(1)
			}
		})
	}
	all.Wait()
	if n := firsts.Load(); n != 1 {
		t.Errorf("%d came first", n)
	}
	s.stop()
	s.start()
	for id, want := range map[string]bool{"a link": true, "another": false} {
		if ended, err := s.ledger("one").HasEnded(t.Context(), id); err != nil || ended != want {
			t.Errorf("%s has ended: %v %v", id, ended, err)
		}
	}
}

func TestEndsAreForgotten(t *testing.T) {
	s := startStore(t)
	l := s.ledger("one")
	setPause(t, l, pauseOf("", "", "", time.Hour))
	for i, until := range []time.Duration{-time.Hour, -2 * endsLate, -endsLate / 2, time.Hour} {
		if first, err := l.End(t.Context(), fmt.Sprint(i), time.Now().Add(until)); err != nil || !first {
			t.Fatalf("%d: %v %v", i, first, err)
		}
	}
	for id, want := range map[string]bool{"0": false, "1": false, "2": true, "3": true} {
		if ended, err := l.HasEnded(t.Context(), id); err != nil || ended != want {
			t.Errorf("%s is remembered: %v %v", id, ended, err)
		}
	}
	if got := pauses(t, l); len(got) != 1 {
		t.Errorf("%d pauses are left of one", len(got))
	}
}
