package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
)

func entryOf(text string) TrailEntry {
	return TrailEntry{Kind: "offered", At: noon, Who: "ann", Text: text, Detail: json.RawMessage(`{"revision":"abc"}`)}
}

func trail(t *testing.T, l *Ledger) []Placed {
	t.Helper()
	all, err := l.Trail(t.Context(), "policy")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestATrailIsChained(t *testing.T) {
	s := startStore(t)
	l := s.ledger("one")
	if got := trail(t, l); len(got) != 0 {
		t.Errorf("at first there are %+v", got)
	}
	var after uint64
	for n := range 3 {
		placed, err := l.AppendTrail(t.Context(), "policy", after, entryOf(fmt.Sprint(n)))
		if err != nil {
			t.Fatal(err)
		}
		after = placed.Seq
		if _, err := l.AppendTrail(t.Context(), "config", 0, entryOf("another trail")); n > 0 && !errors.Is(err, ErrLost) {
			t.Errorf("a trail that has begun begins again: %v", err)
		}
	}
	s.stop()
	s.start()
	got, prev := trail(t, s.ledger("two")), ""
	for n, e := range got {
		if diff := cmp.Diff(entryOf(fmt.Sprint(n)), e.TrailEntry); diff != "" {
			t.Errorf("entry %d (-want +got):\n%s", n, diff)
		}
		if e.Prev != prev || e.Sum != incident.SumOf(e.Raw) || e.Writer != "one" || e.StoredAt.IsZero() || !strings.Contains(string(e.Raw), e.Prev) {
			t.Errorf("entry %d follows %q, want %q: %+v", n, e.Prev, prev, e)
		}
		prev = e.Sum
	}
	if len(got) != 3 || got[2].Seq != after {
		t.Errorf("there are %d entries", len(got))
	}
}

func TestOneOfTwoGoesOnWithATrail(t *testing.T) {
	s := startStore(t)
	writers := []*Ledger{s.ledger("one"), s.ledger("two")}
	var after uint64
	for round := range 10 {
		var wg sync.WaitGroup
		errs, seqs := make([]error, 2), make([]uint64, 2)
		for n, l := range writers {
			wg.Go(func() {
				var placed Placed
				placed, errs[n] = l.AppendTrail(t.Context(), "policy", after, entryOf("x"))
				seqs[n] = placed.Seq
			})
		}
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), ErrLost) {
			t.Fatalf("round %d: %v", round, errs)
		}
		after = max(seqs[0], seqs[1])
	}
	if got := trail(t, writers[0]); len(got) != 10 {
		t.Errorf("there are %d entries", len(got))
	}
	for name, want := range map[string]uint64{"policy": after, "other": 0} {
		if end, err := writers[1].TrailEnd(t.Context(), name); end != want || err != nil {
			t.Errorf("trail %s ends at %d, want %d, %v", name, end, want, err)
		}
	}
}

func TestLostAnswersOfATrail(t *testing.T) {
	for _, sent := range []bool{true, false} {
		l := newLedger(t)
		loseAnswer(l, trailPrefix, sent, nil)
		placed, err := l.AppendTrail(t.Context(), "policy", 0, entryOf("x"))
		if sent != (err == nil) || !sent && !errors.Is(err, events.ErrUnavailable) {
			t.Errorf("sent: %v, it says %v", sent, err)
		}
		if got := trail(t, l); sent && (len(got) != 1 || got[0].Seq != placed.Seq) || !sent && len(got) != 0 {
			t.Errorf("sent: %v, there are %+v", sent, got)
		}
	}
}

func TestWhatNoTrailTakes(t *testing.T) {
	l := newLedger(t)
	for _, name := range []string{"", "a.b", "*", ">", "Policy"} {
		if _, err := l.AppendTrail(t.Context(), name, 0, entryOf("x")); err == nil {
			t.Errorf("%q is taken for a name", name)
		}
	}
	if _, err := l.AppendTrail(t.Context(), "policy", 0, entryOf(strings.Repeat("x", maxEntry))); err == nil {
		t.Error("an entry of any size is taken")
	}
	if _, err := l.js.Publish(t.Context(), trailPrefix+"policy", []byte(`{"schema":2}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Trail(t.Context(), "policy"); !errors.Is(err, ErrNewer) {
		t.Errorf("an entry of another version is read: %v", err)
	}
}

func TestPoliciesAreKept(t *testing.T) {
	s := startStore(t)
	l := s.ledger("one")
	if _, err := l.Policy(t.Context(), "abc"); !errors.Is(err, ErrNotFound) {
		t.Errorf("what is not there reads %v", err)
	}
	loseAnswer(l, policyPrefix, true, nil)
	for _, pack := range []string{"first", "second"} {
		if err := l.StorePolicy(t.Context(), "abc", []byte(pack)); err != nil {
			t.Fatal(err)
		}
	}
	s.stop()
	s.start()
	l = s.ledger("two")
	if got, err := l.Policy(t.Context(), "abc"); string(got) != "first" || err != nil {
		t.Errorf("it reads %q, %v", got, err)
	}
	if err := l.KeepPolicies(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Policy(t.Context(), "abc"); err != nil {
		t.Errorf("what was stored a moment ago is removed: %v", err)
	}
	if err := l.StorePolicy(t.Context(), "abc.>", nil); err == nil {
		t.Error("any text is a revision")
	}
	if err := l.StorePolicy(t.Context(), "def", make([]byte, maxDocument)); err == nil {
		t.Error("any size is stored")
	}
}
