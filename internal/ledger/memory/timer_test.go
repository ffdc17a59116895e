package memory_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/policies"
)

func TestTimers(t *testing.T) {
	c := &clock{noon}
	s := c.store()
	l := s.Writer("one")
	set := func(id string, after time.Duration, seq uint64) ledger.Timer {
		t.Helper()
		timer := ledger.Timer{ID: id, Incident: "i", ForSeq: seq, At: c.now.Add(after)}
		if err := l.SetTimer(t.Context(), timer); err != nil {
			t.Fatal(err)
		}
		return timer
	}
	if _, ok := s.NextTimer(); ok || len(s.Due(c.now)) != 0 {
		t.Error("there is a timer at first")
	}
	if err := l.SetTimer(t.Context(), ledger.Timer{}); err == nil {
		t.Error("a timer without an id is set")
	}
	past := set("past", -time.Hour, 1)
	set("b", time.Second, 2)
	b := set("b", 2*time.Second, 3) // replaces it
	a := set("a", 2*time.Second, 4)
	first := set("z", time.Second, 5)
	later := set("later", time.Hour, 6)
	if next, _ := s.NextTimer(); next != noon.Add(250*time.Millisecond) || len(s.Due(noon)) != 0 {
		t.Errorf("the timer of the past fires at %s, want 250ms after it was set", next)
	}
	if diff := cmp.Diff([]ledger.Timer{past, first, a, b}, s.Due(noon.Add(2*time.Second))); diff != "" {
		t.Errorf("due (-want +got):\n%s", diff)
	}
	if next, ok := s.NextTimer(); !ok || !next.Equal(later.At) || len(s.Due(noon.Add(2*time.Second))) != 0 {
		t.Errorf("next is %s, %v", next, ok)
	}
}

func TestPausesEndByThemselves(t *testing.T) {
	c := &clock{noon}
	s := c.store()
	l := s.Writer("one")
	inForce := func() int {
		t.Helper()
		got, err := l.Pauses(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(got)
	}
	p := policies.Pause{Cluster: "prod", Owner: "ann", Reason: "migration", Since: noon, Until: noon.Add(time.Hour)}
	if err := s.SetPause(p); err != nil || inForce() != 1 {
		t.Errorf("set: %v, %d in force", err, inForce())
	}
	c.now = noon.Add(time.Hour)
	if inForce() != 0 {
		t.Error("it does not expire")
	}
	if err := s.EndPause(p); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("ending what has ended says %v", err)
	}
	if err := s.SetPause(p); err == nil {
		t.Error("one that has ended is set")
	}
}
