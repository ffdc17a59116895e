package ledger

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

func claim(nodes ...string) Claim {
	var c Claim
	for _, node := range nodes {
		c.Targets = append(c.Targets, target(node))
		c.Entries = append(c.Entries, entry(node))
	}
	return c
}

func TestIntentTakesAndCloseReleases(t *testing.T) {
	s := startStore(t)
	l := s.ledger("one")
	inc := acting(t, l, "w1", "w1", "w2")
	if _, err := l.AppendIntent(t.Context(), inc, intent(0), claim("w1"), "gate"); err != nil {
		t.Fatal(err)
	}
	add(t, l, inc, done(0))
	before := lastSeq(t, l)
	if _, err := l.AppendIntent(t.Context(), inc, intent(1), claim("w1", "w2"), "gate"); err != nil {
		t.Fatal(err)
	}
	if wrote := lastSeq(t, l) - before; wrote != 2 {
		t.Errorf("%d messages were written, want the record and the budget", wrote)
	}
	s.stop()
	s.start()
	l = s.ledger("one")
	budget, held := stand(t, l, "w1", "w2")
	want := []Holding{{inc.ID, "prod.eu", []string{"node/w1", "node/w2"}, []Entry{entry("w1"), entry("w2")}}}
	if diff := cmp.Diff(want, budget.Holdings); diff != "" {
		t.Errorf("budget (-want +got):\n%s", diff)
	}
	if held["w1"] != inc.ID || held["w2"] != inc.ID {
		t.Errorf("the locks are held by %v", held)
	}
	inc = load(t, l, inc.ID)
	add(t, l, inc, done(1))
	if _, err := l.AppendReleasing(t.Context(), inc, incident.Record{Kind: incident.Checked, At: noon, Outcome: responders.OutcomeVerified}); err != nil {
		t.Fatal(err)
	}
	if budget, held = stand(t, l, "w1", "w2"); len(budget.Of(inc.ID).Entries) != 0 || len(held) != 2 {
		t.Errorf("after the verification the budget is %+v, locks are %v", budget, held)
	}
	if _, err := l.Close(t.Context(), inc, incident.Record{Kind: incident.Closed, At: noon}); err != nil {
		t.Fatal(err)
	}
	if budget, held = stand(t, l, "w1", "w2"); len(budget.Holdings) != 0 || len(held) != 0 {
		t.Errorf("after the end the budget is %+v, locks are %v", budget, held)
	}
	other := acting(t, l, "w2", "w2")
	if _, err := l.AppendIntent(t.Context(), other, intent(0), claim("w2"), "gate"); err != nil {
		t.Errorf("a released target is refused: %v", err)
	}
}

// A wider incident takes over what another holds, while that is not worked on; who was about to begin on it is refused, though he knows of a
// budget in which it is his.
func TestYieldedIsClaimedByAnother(t *testing.T) {
	l := newLedger(t)
	inc := acting(t, l, "w1", "w1")
	if _, err := l.AppendIntent(t.Context(), inc, intent(0), claim("w1"), "gate"); err != nil {
		t.Fatal(err)
	}
	note := incident.Record{Kind: incident.Noted, At: noon, Text: "gives up"}
	if _, err := l.AppendYielding(t.Context(), inc, note); err == nil {
		t.Fatal("what is worked on was given up")
	}
	failed := done(0)
	failed.Kind = incident.Failed
	if _, err := l.AppendReleasing(t.Context(), inc, failed); err != nil {
		t.Fatal(err)
	}
	slow := load(t, l, inc.ID)
	if _, err := l.AppendYielding(t.Context(), inc, note); err != nil {
		t.Fatal(err)
	}
	if budget, held := stand(t, l, "w1"); len(budget.Holdings) != 0 || len(held) != 0 {
		t.Errorf("the budget is %+v, locks are %v", budget, held)
	}
	if _, err := l.Append(t.Context(), slow, note); !errors.Is(err, ErrLost) {
		t.Errorf("who knew of nothing was let through: %v", err)
	}
	other := acting(t, l, "w2", "w2")
	if _, err := l.AppendIntent(t.Context(), other, intent(0), claim("w1", "w2"), "gate"); err != nil {
		t.Errorf("what was given up is refused: %v", err)
	}
}

func TestIntentRefusals(t *testing.T) {
	l := newLedger(t)
	holder := acting(t, l, "w1", "w1")
	if _, err := l.AppendIntent(t.Context(), holder, intent(0), claim("w1"), "gate"); err != nil {
		t.Fatal(err)
	}
	other := acting(t, l, "w2", "w2", "w1")
	full := errors.New("one node of zone a is being worked on")
	limited := claim("w2")
	limited.Admit = func(others Budget) error {
		if diff := cmp.Diff(policies.InFlight{Cluster: 1, Zones: map[string]int{"a": 1}, Targets: []string{"node/w1"}},
			others.InFlight("prod.eu", []policies.Target{target("w1"), target("w2")})); diff != "" {
			t.Errorf("in flight (-want +got):\n%s", diff)
		}
		return full
	}
	for name, c := range map[string]struct {
		claim Claim
		check func(error) bool
	}{
		"held":   {claim("w2", "w1"), func(err error) bool { return isHeld(err, "node/w1", holder.ID) }},
		"budget": {limited, func(err error) bool { return errors.Is(err, ErrOverBudget) && errors.Is(err, full) }},
	} {
		budget, held := stand(t, l, "w1", "w2")
		before := lastSeq(t, l)
		if _, err := l.AppendIntent(t.Context(), other, intent(0), c.claim, "gate"); !c.check(err) {
			t.Errorf("%s: it says %v", name, err)
		}
		after, heldAfter := stand(t, l, "w1", "w2")
		if !cmp.Equal(budget.Holdings, after.Holdings) || !cmp.Equal(held, heldAfter) || lastSeq(t, l) != before {
			t.Errorf("%s: the loser stored something: budget %+v, locks %v", name, after, heldAfter)
		}
	}
}

func isHeld(err error, target string, by incident.ID) bool {
	var held *TargetHeldError
	return errors.As(err, &held) && held.Target == target && held.By == by
}

// Between the claim and the intent another replica may move the incident: the claim stays with the incident, which lives.
func TestLostIntentLeavesItsClaimToTheIncident(t *testing.T) {
	l := newLedger(t)
	inc := acting(t, l, "w1", "w1")
	add(t, l, load(t, l, inc.ID), note("somebody was here"))
	if _, err := l.AppendIntent(t.Context(), inc, intent(0), claim("w1"), "gate"); !errors.Is(err, ErrLost) {
		t.Fatalf("it says %v", err)
	}
	if budget, held := stand(t, l, "w1"); held["w1"] != inc.ID || load(t, l, inc.ID).Intent != nil {
		t.Errorf("the budget is %+v, an intent %+v", budget, load(t, l, inc.ID).Intent)
	}
	before := lastSeq(t, l)
	if _, err := l.AppendIntent(t.Context(), load(t, l, inc.ID), intent(0), claim("w1"), "gate"); err != nil || lastSeq(t, l) != before+1 {
		t.Errorf("whoever moves it next: %v, %d writes, want one", err, lastSeq(t, l)-before)
	}
}

// TestBudgetThatWasKnownLongAgo: what another replica released or took since is seen before anything is built on it.
func TestBudgetThatWasKnownLongAgo(t *testing.T) {
	s := startStore(t)
	l, other := s.ledger("one"), s.ledger("two")
	inc := acting(t, l, "w1", "w1", "w2", "w3")
	if _, err := l.AppendIntent(t.Context(), inc, intent(0), claim("w1"), "gate"); err != nil {
		t.Fatal(err)
	}
	add(t, l, inc, done(0))
	known := l.KnownBudget()
	if _, err := other.AppendReleasing(t.Context(), load(t, other, inc.ID), incident.Record{Kind: incident.Noted, At: noon, Text: GivenUp}); err != nil {
		t.Fatal(err)
	}
	if _, err := other.AppendIntent(t.Context(), acting(t, other, "w2", "w2"), intent(0), claim("w2"), "gate"); err != nil {
		t.Fatal(err)
	}
	inc = load(t, l, inc.ID)
	longAgo := func() { l.known = knownBudget{budget: known} }
	longAgo()
	if _, err := l.AppendIntent(t.Context(), inc, intent(1), claim("w2"), "gate"); !errors.As(err, new(*TargetHeldError)) {
		t.Errorf("what another took since is taken: %v", err)
	}
	longAgo()
	if _, err := l.AppendIntent(t.Context(), inc, intent(1), claim("w1"), "gate"); err != nil {
		t.Fatal(err)
	}
	if budget, held := stand(t, other, "w1"); held["w1"] != inc.ID || len(budget.Of(inc.ID).Entries) != 1 {
		t.Errorf("what was released since is not claimed again: %+v", budget)
	}
	add(t, l, inc, done(1))
	longAgo()
	c := claim("w3")
	c.Admit = func(others Budget) error {
		if len(others.Holdings) > 0 {
			return errors.New("full")
		}
		return nil
	}
	if _, err := l.AppendIntent(t.Context(), inc, intent(2), c, "gate"); !errors.Is(err, ErrOverBudget) {
		t.Errorf("the limits are asked about what is not so any more: %v", err)
	}
}

// An answer that comes late does not undo what this process has written since.
func TestKnownBudgetDoesNotGoBack(t *testing.T) {
	var k knownBudget
	k.set(Budget{seq: 12})
	k.set(Budget{seq: 10})
	if b := k.get(); b.seq != 12 {
		t.Errorf("it is known as of %d", b.seq)
	}
}

// Another replica did the step, failed, and freed the budget, before the claim of one that was slow: it frees it again.
func TestClaimOfAnIncidentNobodyWorksOn(t *testing.T) {
	l := newLedger(t)
	slow := acting(t, l, "w1", "w1")
	quick := load(t, l, slow.ID)
	if _, err := l.AppendIntent(t.Context(), quick, intent(0), claim("w1"), "gate"); err != nil {
		t.Fatal(err)
	}
	failed := done(0)
	failed.Kind = incident.Failed
	if _, err := l.AppendReleasing(t.Context(), quick, failed); err != nil || quick.Working() {
		t.Fatalf("%s, %v", quick.State, err)
	}
	if _, err := l.AppendIntent(t.Context(), slow, intent(0), claim("w1"), "gate"); !errors.Is(err, ErrLost) {
		t.Fatalf("it says %v", err)
	}
	if budget, held := stand(t, l, "w1"); len(budget.Of(slow.ID).Entries) != 0 || held["w1"] != slow.ID {
		t.Errorf("the budget is %+v, want the lock and no share", budget)
	}
}

// Who claims for an incident that another replica has just closed gives the claim back, and where it died before that, the
// claim holds nobody back.
func TestClaimOfAnEndedIncident(t *testing.T) {
	l := newLedger(t)
	inc := acting(t, l, "w1", "w1")
	closeOf(t, l, load(t, l, inc.ID))
	if _, err := l.AppendIntent(t.Context(), inc, intent(0), claim("w1"), "gate"); !errors.Is(err, ErrLost) {
		t.Fatalf("it says %v", err)
	}
	if budget, _ := stand(t, l); len(budget.Holdings) != 0 {
		t.Errorf("it keeps %+v", budget)
	}
	if err := l.claim(t.Context(), inc, claim("w1")); err != nil { // and dies here
		t.Fatal(err)
	}
	next := acting(t, l, "w1", "w1")
	limited := claim("w1")
	limited.Admit = func(others Budget) error {
		if len(others.Holdings) > 0 {
			return errors.New("enough")
		}
		return nil
	}
	if _, err := l.AppendIntent(t.Context(), next, intent(0), limited, "gate"); err != nil {
		t.Errorf("the next incident is held back: %v", err)
	}
	if budget, _ := stand(t, l); len(budget.Holdings) != 1 || !budget.Holds(next.ID) {
		t.Errorf("the budget is %+v", budget)
	}
}

func TestIntentsRaceForTargetsAndBudget(t *testing.T) {
	s := startStore(t)
	const incidents, limit = 8, 3
	one := s.ledger("l0")
	ledgers := []*Ledger{one, s.ledger("l1"), s.ledger("l2")}
	var incs []*incident.Incident
	for n := range incidents {
		incs = append(incs, acting(t, one, fmt.Sprint("w", n), fmt.Sprint("w", n)))
	}
	var wg sync.WaitGroup
	for n, inc := range incs {
		c := claim(fmt.Sprint("w", n))
		c.Targets = append(c.Targets, target(fmt.Sprint("shared-", n/2))) // two incidents want each
		c.Admit = func(others Budget) error {
			if others.InFlight("prod.eu", nil).Cluster >= limit {
				return errors.New("enough")
			}
			return nil
		}
		wg.Go(func() {
			_, err := ledgers[n%len(ledgers)].AppendIntent(t.Context(), inc, intent(0), c, "gate")
			var held *TargetHeldError
			if err != nil && !errors.Is(err, ErrOverBudget) && !errors.As(err, &held) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	budget, _ := stand(t, one)
	intended := 0
	for n, inc := range incs {
		got := load(t, one, inc.ID)
		mine := budget.Of(inc.ID)
		_, held := stand(t, one, fmt.Sprint("w", n))
		if (got.Intent != nil) != (len(mine.Targets) == 2) || (got.Intent != nil) != (held[fmt.Sprint("w", n)] == inc.ID) {
			t.Errorf("%s: intent %v, budget %+v, locks %v: torn", inc.ID, got.Intent, mine, held)
		}
		if got.Intent != nil {
			intended++
		}
	}
	for n := range incidents / 2 {
		_, held := stand(t, one, fmt.Sprint("shared-", n))
		a, b := budget.Of(incs[2*n].ID), budget.Of(incs[2*n+1].ID)
		if len(a.Targets) > 0 && len(b.Targets) > 0 {
			t.Errorf("shared-%d is held by two, its lock by %v", n, held)
		}
	}
	if intended != limit {
		t.Errorf("%d intents were taken, the limit is %d", intended, limit)
	}
}

func TestLostAnswerOfAClaim(t *testing.T) {
	for _, sent := range []bool{true, false} {
		l := newLedger(t)
		inc := acting(t, l, "w1", "w1")
		loseAnswer(l, budgetSubject, sent, nil)
		_, err := l.AppendIntent(t.Context(), inc, intent(0), claim("w1"), "gate")
		budget, _ := stand(t, l)
		landed := load(t, l, inc.ID).Intent != nil
		if sent && (err != nil || !landed || inc.Intent == nil || !budget.Holds(inc.ID)) {
			t.Errorf("the claim that landed: %v, intent landed %v, budget %+v", err, landed, budget)
		}
		if !sent && (!errors.Is(err, events.ErrUnavailable) || landed || len(budget.Holdings) != 0) {
			t.Errorf("the claim that did not land: %v, intent landed %v, budget %+v", err, landed, budget)
		}
		if !sent {
			if _, err := l.AppendIntent(t.Context(), inc, intent(0), claim("w1"), "gate"); err != nil {
				t.Errorf("repeating it says %v", err)
			}
		}
	}
}

func TestLostAnswerOfABatch(t *testing.T) {
	for _, sent := range []bool{true, false} {
		l := newLedger(t)
		inc := acting(t, l, "w1", "w1")
		if _, err := l.AppendIntent(t.Context(), inc, intent(0), claim("w1"), "gate"); err != nil {
			t.Fatal(err)
		}
		loseAnswer(l, incidentPrefix, sent, nil)
		_, err := l.AppendReleasing(t.Context(), inc, done(0))
		budget, _ := stand(t, l)
		landed, released := load(t, l, inc.ID).Intent == nil, len(budget.Of(inc.ID).Entries) == 0
		if landed != sent || released != sent || (err == nil) != sent || !sent && !errors.Is(err, events.ErrUnavailable) {
			t.Errorf("sent %v: it says %v, landed %v, released %v", sent, err, landed, released)
		}
	}
}

func TestEntriesAreTakenAgainAfterRelease(t *testing.T) {
	l := newLedger(t)
	inc := acting(t, l, "w1", "w1", "w2")
	if _, err := l.AppendIntent(t.Context(), inc, intent(0), claim("w1"), "gate"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.AppendReleasing(t.Context(), inc, done(0)); err != nil {
		t.Fatal(err)
	}
	c := claim("w1")
	asked := false
	c.Admit = func(Budget) error { asked = true; return nil }
	if _, err := l.AppendIntent(t.Context(), inc, intent(1), c, "gate"); err != nil || !asked {
		t.Errorf("taking it again says %v, the limits were asked: %v", err, asked)
	}
	if budget, _ := stand(t, l); len(budget.Of(inc.ID).Entries) != 1 || len(budget.Of(inc.ID).Targets) != 1 {
		t.Errorf("the budget is %+v", budget)
	}
}
