package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
)

// decide records a decision as the engine does.
func decide(ctx context.Context, l *Ledger, inc *incident.Incident, rec incident.Record, doc any, claim *Claim) (uint64, error) {
	ref, err := l.Decide(ctx, inc, doc, claim)
	if err != nil {
		return 0, err
	}
	rec.Decided.Asked = ref
	return l.AppendClaimed(ctx, inc, rec)
}

func TestDecisionTakesItsClaim(t *testing.T) {
	l := newLedger(t)
	inc := open(t, l, "w1")
	c := claim("w1")
	if _, err := decide(t.Context(), l, inc, decided(policies.Act, "w1"), "act", &c); err != nil {
		t.Fatal(err)
	}
	got := load(t, l, inc.ID)
	doc, err := l.ReadDecision(t.Context(), got.Decision.Ref)
	if err != nil || string(doc) != `"act"` || inc.Decision.Ref != got.Decision.Ref || got.State != incident.Acting {
		t.Errorf("%s, its document %q is %s, %v", got.State, got.Decision.Ref, doc, err)
	}
	if budget, held := stand(t, l, "w1"); held["w1"] != inc.ID || !cmp.Equal(budget, l.KnownBudget(), cmp.AllowUnexported(Budget{})) {
		t.Errorf("the budget is %+v, known as %+v", budget, l.KnownBudget())
	}
	before := lastSeq(t, l)
	if _, err := l.AppendIntent(t.Context(), inc, intent(0), c, "gate"); err != nil || lastSeq(t, l) != before+1 {
		t.Errorf("its intent: %v, %d writes, want one", err, lastSeq(t, l)-before)
	}
}

// TestNoDecisionWithout: where a part of it is not to be had, no decision is recorded.
func TestNoDecisionWithout(t *testing.T) {
	for name, c := range map[string]struct {
		doc    any
		away   string // the answer that is lost of what was not sent
		limit  error
		other  bool // holds the target
		holds  bool // the incident holds its claim after all
		expect func(error) bool
	}{
		"its document":       {"act", decisionPrefix, nil, false, true, func(err error) bool { return errors.Is(err, events.ErrUnavailable) }},
		"a small document":   {strings.Repeat("x", MaxDecision), "", nil, false, false, func(err error) bool { return strings.Contains(err.Error(), "at most") }},
		"the budget":         {"act", budgetSubject, nil, false, false, func(err error) bool { return errors.Is(err, events.ErrUnavailable) }},
		"room in the budget": {"act", "", errors.New("full"), false, false, func(err error) bool { return errors.Is(err, ErrOverBudget) }},
		"its target":         {"act", "", nil, true, false, func(err error) bool { return errors.As(err, new(*TargetHeldError)) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger(t)
			inc := open(t, l, "w1")
			if c.other {
				if _, err := l.AppendIntent(t.Context(), acting(t, l, "w2", "w1"), intent(0), claim("w1"), "gate"); err != nil {
					t.Fatal(err)
				}
			}
			if c.away != "" {
				loseAnswer(l, c.away, false, nil)
			}
			wants := claim("w1")
			wants.Admit = func(Budget) error { return c.limit }
			_, err := decide(t.Context(), l, inc, decided(policies.Act, "w1"), c.doc, &wants)
			if !c.expect(err) {
				t.Errorf("it says %v", err)
			}
			if now := load(t, l, inc.ID); now.State != incident.Deciding || inc.Seq != now.Seq {
				t.Errorf("it is %s", now.State)
			}
			if budget, _ := stand(t, l); budget.Holds(inc.ID) != c.holds {
				t.Errorf("the budget is %+v", budget)
			}
			if err := l.release(t.Context(), inc.ID); err != nil {
				t.Fatal(err)
			}
			if budget, _ := stand(t, l); len(budget.Of(inc.ID).Entries) != 0 {
				t.Errorf("released, the budget is %+v", budget)
			}
		})
	}
}

// Of two replicas that decide at once one does; what the other claimed is not left behind where the one denied.
func TestDecisionThatCameSecond(t *testing.T) {
	for _, first := range []policies.Verdict{policies.Act, policies.Deny} {
		l := newLedger(t)
		slow := open(t, l, "w1")
		quick := load(t, l, slow.ID)
		c := claim("w1")
		if first == policies.Act {
			if _, err := decide(t.Context(), l, quick, decided(first, "w1"), "first", &c); err != nil {
				t.Fatal(err)
			}
		} else if _, err := decide(t.Context(), l, quick, decided(first, "w1"), "first", nil); err != nil {
			t.Fatal(err)
		}
		if _, err := decide(t.Context(), l, slow, decided(policies.Act, "w1"), "second", &c); !errors.Is(err, ErrLost) {
			t.Errorf("it says %v", err)
		}
		if budget, _ := stand(t, l); (len(budget.Of(slow.ID).Entries) == 1) != (first == policies.Act) {
			t.Errorf("after %s the budget is %+v", first, budget)
		}
	}
}

func TestDecisionsAreKept(t *testing.T) {
	s := startStore(t)
	l := s.ledger("one")
	inc := open(t, l, "w1")
	doc := map[string]string{"verdict": "act"}
	asked, err := l.Decide(t.Context(), inc, doc, nil)
	if err != nil {
		t.Fatal(err)
	}
	ref := asked.Ref
	if again, err := l.Decide(t.Context(), inc, doc, nil); err != nil || again != asked {
		t.Errorf("stored again it lies at %q, was %q, %v", again, ref, err)
	}
	if n := messages(t, l, DecisionsStream, ">"); n != 1 {
		t.Errorf("it is stored %d times", n)
	}
	other, err := l.Decide(t.Context(), inc, "another", nil)
	if err != nil || other.Ref == ref {
		t.Errorf("another document lies at %q, %v", other, err)
	}
	s.stop()
	s.start()
	got, err := s.ledger("two").ReadDecision(t.Context(), ref)
	if diff := cmp.Diff(`{"verdict":"act"}`, string(got)); err != nil || diff != "" || asked.Sum != incident.SumOf(got) {
		t.Errorf("read %v (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"", "x", string(inc.ID) + "/99", "0123456789abcdef-1/1", string(inc.ID) + "/-1",
		string(inc.ID) + "/0", string(inc.ID) + "/*", "*/" + lastPart(ref), "0123456789abcdef-1/" + lastPart(ref)} {
		if _, err := s.ledger("three").ReadDecision(t.Context(), bad); !errors.Is(err, ErrNotFound) {
			t.Errorf("reading %q says %v", bad, err)
		}
	}
}

func TestDecisionsAreBounded(t *testing.T) {
	l := newLedger(t)
	inc := open(t, l, "w1")
	if _, err := l.Decide(t.Context(), inc, strings.Repeat("x", MaxDecision-2), nil); err != nil {
		t.Errorf("the largest document is refused: %v", err)
	}
	if _, err := l.Decide(t.Context(), inc, strings.Repeat("x", MaxDecision-1), nil); err == nil {
		t.Error("a larger document is stored")
	}
}

// TestGateIsStoredWithItsRecord: what policy was asked before a step is named by the record it led to, and is there when anything may
// be done under that.
func TestGateIsStoredWithItsRecord(t *testing.T) {
	for _, lost := range []bool{false, true} {
		l := newLedger(t)
		inc := acting(t, l, "w1", "w1")
		if lost {
			loseAnswer(l, decisionPrefix, false, nil)
		}
		_, err := l.AppendIntent(t.Context(), inc, intent(0), claim("w1"), "gate")
		if lost != errors.Is(err, events.ErrUnavailable) {
			t.Errorf("lost: %v, it says %v", lost, err)
		}
		now := load(t, l, inc.ID)
		gate := now.History[len(now.History)-1].Gate
		if now.Intent == nil || gate == nil {
			t.Fatalf("the intent is %+v, its gate %+v", now.Intent, gate)
		}
		doc, err := l.ReadDecision(t.Context(), gate.Ref)
		if lost != errors.Is(err, ErrNotFound) || !lost && gate.Sum != incident.SumOf(doc) {
			t.Errorf("lost: %v, its document is %q, %v", lost, doc, err)
		}
		over := intent(0)
		over.Kind = incident.TookOver
		if _, err := l.AppendAsked(t.Context(), now, over, "gate again"); err != nil {
			t.Fatal(err)
		}
		now = load(t, l, inc.ID)
		if doc, err := l.ReadDecision(t.Context(), now.History[len(now.History)-1].Gate.Ref); string(doc) != `"gate again"` || err != nil {
			t.Errorf("who took over was asked %q, %v", doc, err)
		}
	}
	l := newLedger(t)
	inc := acting(t, l, "w1", "w1")
	loseAnswer(l, decisionPrefix, false, nil)
	if _, err := l.AppendAsked(t.Context(), inc, note("waits"), "gate"); !errors.Is(err, events.ErrUnavailable) || len(load(t, l, inc.ID).History) != len(inc.History) {
		t.Errorf("a record is there without what it names: %v", err)
	}
}

// Decisions that an older version stored are found where they lie.
func TestDecisionOfAnOlderVersion(t *testing.T) {
	l := newLedger(t)
	inc := open(t, l, "w1")
	if _, err := l.js.Publish(t.Context(), decisionPrefix+"prod."+string(inc.ID), []byte(`"old"`)); err != nil {
		t.Fatal(err)
	}
	if doc, err := l.ReadDecision(t.Context(), string(inc.ID)+"/1"); string(doc) != `"old"` || err != nil {
		t.Errorf("it reads %q, %v", doc, err)
	}
}

func TestDecisionsAreReadInOrder(t *testing.T) {
	s := startStore(t)
	l := s.ledger("one")
	if begin, err := l.DecisionsBegin(t.Context()); err != nil || !begin.IsZero() {
		t.Errorf("without one they begin at %s, %v", begin, err)
	}
	if got := decisions(t, l, time.Time{}, later()); len(got) != 0 {
		t.Errorf("without one there are %d", len(got))
	}
	inc := open(t, l, "w1")
	large := strings.Repeat("x", MaxDecision-20) // more than one part holds
	for n := range 40 {
		if _, err := l.Decide(t.Context(), inc, fmt.Sprint(n, large), nil); err != nil {
			t.Fatal(err)
		}
	}
	all := decisions(t, l, time.Time{}, later())
	if len(all) != 40 {
		t.Fatalf("there are %d", len(all))
	}
	for n, d := range all {
		if want := fmt.Sprintf("%q", fmt.Sprint(n, large)); string(d.Document) != want || d.Incident != inc.ID || d.Sum != incident.SumOf([]byte(want)) || n > 0 && d.Seq <= all[n-1].Seq {
			t.Errorf("at %d lies %s of %s, stored at %d", n, d.Ref, d.Incident, d.Seq)
		}
		if doc, err := l.ReadDecision(t.Context(), d.Ref); err != nil || string(doc) != string(d.Document) {
			t.Errorf("%s reads otherwise: %v", d.Ref, err)
		}
	}
	if begin, err := l.DecisionsBegin(t.Context()); err != nil || !begin.Equal(all[0].StoredAt) {
		t.Errorf("they begin at %s, %v", begin, err)
	}
	if got := decisions(t, l, all[3].StoredAt, all[6].StoredAt); len(got) != 3 || got[0].Seq != all[3].Seq {
		t.Errorf("of a span there are %d", len(got))
	}
	stop := errors.New("enough")
	if err := l.Decisions(t.Context(), time.Time{}, later(), func(incident.StoredDecision) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("who has enough is told %v", err)
	}
}

func decisions(t *testing.T, l *Ledger, from, to time.Time) []incident.StoredDecision {
	t.Helper()
	var all []incident.StoredDecision
	if err := l.Decisions(t.Context(), from, to, func(d incident.StoredDecision) error { all = append(all, d); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}
