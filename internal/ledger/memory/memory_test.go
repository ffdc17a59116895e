package memory_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/ledger/memory"
	"github.com/salvor-io/salvor/policies"
)

var _ engineLedger = (*memory.Ledger)(nil)

// clock is time that passes when it is told to.
type clock struct{ now time.Time }

func (c *clock) store() *memory.Store {
	return memory.New(memory.Options{Now: func() time.Time { return c.now }})
}

func newStore() *memory.Store { return (&clock{noon}).store() }

func open(t *testing.T, l *memory.Ledger, node string) *incident.Incident {
	t.Helper()
	inc, err := l.OpenIncident(t.Context(), first(node), 0)
	if err != nil {
		t.Fatal(err)
	}
	return inc
}

func note(text string) incident.Record {
	return incident.Record{Kind: incident.Noted, At: noon, Text: text}
}

func add(t *testing.T, l *memory.Ledger, inc *incident.Incident, recs ...incident.Record) {
	t.Helper()
	for _, rec := range recs {
		if _, err := l.Append(t.Context(), inc, rec); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTwoRunsAreEqual byte for byte, nonces and times included.
func TestTwoRunsAreEqual(t *testing.T) {
	life := func() []byte {
		c := &clock{noon}
		s := c.store()
		one, two := s.Writer("one"), s.Writer("two")
		inc := open(t, one, "w1")
		c.now = c.now.Add(time.Second)
		claim := claimOf("w1")
		if _, err := one.Decide(t.Context(), inc, "asked", &claim); err != nil {
			t.Fatal(err)
		}
		add(t, two, open(t, two, "w2"), note("here"), note("there"))
		add(t, one, inc, decided(incident.PhaseRecover, policies.Act, "w1"))
		incs, err := s.Incidents()
		if err != nil || len(incs) != 2 || incs[0].History[1].StoredAt != c.now || incs[0].History[0].Nonce == incs[0].History[1].Nonce {
			t.Errorf("the incidents are %+v, %v", incs, err)
		}
		budget, err := two.Budget(t.Context())
		all, rendering := json.Marshal([]any{incs, s.Decisions(), budget})
		if err := errors.Join(err, rendering); err != nil {
			t.Fatal(err)
		}
		return all
	}
	if diff := cmp.Diff(string(life()), string(life())); diff != "" {
		t.Errorf("two runs differ:\n%s", diff)
	}
}

// TestWhatIsLoadedIsACopy: replicas of one process share nothing, and what a caller does to a record he wrote changes no history.
func TestWhatIsLoadedIsACopy(t *testing.T) {
	s := newStore()
	l := s.Writer("one")
	rec := first("w1")
	inc, err := l.OpenIncident(t.Context(), rec, 0)
	if err != nil {
		t.Fatal(err)
	}
	rec.Fault.Sentence = "changed by who wrote it"
	one, err := l.Load(t.Context(), inc.ID)
	if err != nil {
		t.Fatal(err)
	}
	one.History[0].Fault.Sentence, one.History[0].Text = "changed by who loaded it", "changed"
	two, err := l.Load(t.Context(), inc.ID)
	if err != nil || two.History[0].Fault.Sentence != "" || two.History[0].Text == "changed" {
		t.Errorf("the history is %+v, %v", two.History[0], err)
	}
}

func TestEndedCallersWriteNothing(t *testing.T) {
	s := newStore()
	l := s.Writer("one")
	inc := open(t, l, "w1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	claim := claimOf("w1")
	for name, call := range map[string]func() error{
		"open":    func() error { _, err := l.OpenIncident(ctx, first("w2"), 0); return err },
		"load":    func() error { _, err := l.Load(ctx, inc.ID); return err },
		"current": func() error { return l.Current(ctx, inc) },
		"append":  func() error { _, err := l.Append(ctx, inc, note("x")); return err },
		"decide":  func() error { _, err := l.Decide(ctx, inc, "x", &claim); return err },
		"budget":  func() error { _, err := l.Budget(ctx); return err },
		"timer":   func() error { return l.SetTimer(ctx, ledger.Timer{ID: "x"}) },
		"pauses":  func() error { _, err := l.Pauses(ctx); return err },
		"read":    func() error { _, err := l.ReadDecision(ctx, "x"); return err },
	} {
		if err := call(); !errors.Is(err, context.Canceled) || !errors.Is(err, events.ErrUnavailable) {
			t.Errorf("%s says %v", name, err)
		}
	}
	incs, err := s.Incidents()
	budget, _ := l.Budget(t.Context())
	if _, timer := s.NextTimer(); err != nil || len(incs) != 1 || len(incs[0].History) != 1 || len(s.Decisions()) != 0 || len(budget.Holdings) != 0 || timer {
		t.Errorf("something was written: %+v, %v, %v, %+v", incs, err, s.Decisions(), budget)
	}
}

func TestOneOfManyWritersWins(t *testing.T) {
	s := newStore()
	writers := []*memory.Ledger{s.Writer("one"), s.Writer("two"), s.Writer("three")}
	id := open(t, writers[0], "w1").ID
	var followed []uint64
	s.Follow(func(rec incident.Sequenced) { followed = append(followed, rec.Seq) })
	var mu sync.Mutex
	for round := range 50 {
		var judged []*incident.Incident
		for _, l := range writers {
			inc, err := l.Load(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			judged = append(judged, inc)
		}
		var wg sync.WaitGroup
		won := 0
		for n, l := range writers {
			wg.Go(func() {
				_, err := l.Append(t.Context(), judged[n], note("mine"))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if !errors.Is(err, ledger.ErrLost) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Fatalf("round %d was won by %d", round, won)
		}
	}
	if len(followed) != 51 || !slices.IsSorted(followed) {
		t.Errorf("followed were %v", followed)
	}
}

// TestClaimsRace: of several replicas that claim at once each gets what the limit leaves, and none what another has.
func TestClaimsRace(t *testing.T) {
	s := newStore()
	var wg sync.WaitGroup
	for n := range 8 {
		node := fmt.Sprint("w", n)
		l := s.Writer(node)
		inc := open(t, l, node)
		wg.Go(func() {
			claim := claimOf(node)
			if _, err := l.Decide(t.Context(), inc, "asked", &claim); err != nil && !errors.Is(err, ledger.ErrOverBudget) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if budget, err := s.Writer("other").Budget(t.Context()); err != nil || len(budget.Holdings) != 2 {
		t.Errorf("two may be held, the budget is %+v, %v", budget, err)
	}
}

func TestAdmitMayAskTheLedger(t *testing.T) {
	s := newStore()
	l := s.Writer("one")
	inc := open(t, l, "w1")
	claim := claimOf("w1")
	claim.Admit = func(ledger.Budget) error { return l.Current(t.Context(), inc) }
	if _, err := l.Decide(t.Context(), inc, "asked", &claim); err != nil {
		t.Fatal(err)
	}
	if known := s.Writer("two").KnownBudget(); len(known.Holdings) != 0 || !l.KnownBudget().Holds(inc.ID) {
		t.Errorf("known are %+v to who wrote it and %+v to who has just begun", l.KnownBudget(), known)
	}
}

func TestDecisionsAreBounded(t *testing.T) {
	c := &clock{noon}
	s := c.store()
	l := s.Writer("one")
	inc := open(t, l, "w1")
	if _, err := l.Decide(t.Context(), inc, strings.Repeat("x", ledger.MaxDecision), nil); err == nil || len(s.Decisions()) != 0 {
		t.Error("one that is too large was stored")
	}
	var refs []string
	for range 3 {
		ref, err := l.Decide(t.Context(), inc, "asked", nil)
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, ref.Ref)
		c.now = c.now.Add(time.Minute)
	}
	if refs[0] != refs[1] || refs[1] != refs[2] {
		t.Errorf("the same is stored once: %v", refs)
	}
	if got := s.Decisions(); len(got) != 1 || string(got[0].Document) != `"asked"` || got[0].Incident != inc.ID || got[0].StoredAt != noon || got[0].Ref != refs[0] {
		t.Errorf("stored are %+v", got)
	}
	if _, err := l.Append(t.Context(), inc, note(strings.Repeat("x", 1<<20))); err == nil || len(inc.History) != 1 {
		t.Error("a record that is too large was written")
	}
}
