package approval

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/ledger/memory"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/internal/recovery"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// counter is a desk before a ledger in memory, at a time, with a policy of one sentence.
type counter struct {
	*Desk
	t       *testing.T
	store   *memory.Store
	id      incident.ID
	now     time.Time
	deny    string // why policy lets nobody
	by      string // who declared the fault
	signer  string // of policy
	armless bool   // there is no policy
	broken  error  // policy cannot be asked
	asked   []policies.Question
	mu      sync.Mutex
}

func (c *counter) Authorize(_ context.Context, inc *incident.Incident, p policies.Person) (recovery.Stored, uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := policies.Question{About: policies.AboutAuthorize, Now: c.now, Person: p, Incident: policies.IncidentFacts{ID: string(inc.ID), Declared: c.by}}
	if c.broken != nil {
		return recovery.Stored{}, 0, c.broken
	}
	c.asked = append(c.asked, q)
	if c.armless {
		return recovery.Stored{Question: q, Decision: policies.Silent(policies.ErrNone)}, inc.ViewSeq, nil
	}
	said := policies.Said{}
	if c.deny != "" {
		said.Deny = []policies.Reason{{Text: c.deny, Rule: "own.rego:3"}}
	}
	return recovery.Stored{Question: q, Decision: policies.Settle(said, q)}, inc.ViewSeq, nil
}

// Signer implements Policy.
func (c *counter) Signer() string { return c.signer }

func planOf(name string) *responders.Plan {
	p, err := responders.Plan{Runbook: name, Steps: []responders.Step{{Name: "cordon", Change: responders.Change{Class: policies.Reversible}}}}.Seal()
	if err != nil {
		panic(err)
	}
	return &p
}

// newCounter asks two people: one on call and one owner.
func newCounter(t *testing.T) *counter {
	c := &counter{t: t, store: memory.New(memory.Options{Now: func() time.Time { return noon }}), now: noon.Add(time.Minute)}
	c.Desk = &Desk{Ledger: c.store.Writer("desk"), Authorizer: c, Policy: c, Breakers: []string{"ada", "olga"}, Lost: ledger.ErrLost, Log: slog.New(slog.DiscardHandler)}
	f := classifiers.Fault{Kind: classifiers.KindNode, Cluster: "prod", Anchor: classifiers.Anchor{Kind: "node", Name: "w1", UID: "uid-1"}}
	key := incident.KeyOf(f)
	inc, err := c.store.Writer("engine").OpenIncident(t.Context(), incident.Record{Kind: incident.Opened, At: noon, Key: &key, Fault: &f}, 0)
	if err != nil {
		t.Fatal(err)
	}
	c.id = inc.ID
	c.ask(planOf("first"))
	return c
}

func (c *counter) ask(p *responders.Plan) {
	c.add(incident.Record{Kind: incident.Decided, Decided: &incident.Decision{Phase: incident.PhaseRecover, Plan: p, Answer: policies.Decision{Verdict: policies.Ask, Would: policies.Ask,
		Asks: &policies.Asks{Needs: []policies.Need{{Groups: []string{"oncall"}, Votes: 1}, {Groups: []string{"owners"}, Votes: 1}}, Votes: 2, WithinS: 600, OnTimeout: "expire"}}}})
}

func (c *counter) add(rec incident.Record) {
	c.t.Helper()
	rec.At = c.now
	if _, err := c.store.Writer("engine").Append(c.t.Context(), c.inc(), rec); err != nil {
		c.t.Fatal(err)
	}
}

func (c *counter) inc() *incident.Incident {
	c.t.Helper()
	inc, err := c.store.Writer("test").Load(c.t.Context(), c.id)
	if err != nil {
		c.t.Fatal(err)
	}
	return inc
}

func (c *counter) says(voice incident.Voice, name string, groups ...string) error {
	return c.saysOf(c.plan(), voice, name, groups...)
}

// plan is what they were shown.
func (c *counter) plan() string {
	if a := c.inc().Approval; a != nil {
		return a.Plan.ShortDigest()
	}
	return planOf("first").ShortDigest()
}

func (c *counter) saysOf(plan string, voice incident.Voice, name string, groups ...string) error {
	_, err := c.Say(c.t.Context(), people.Person{Name: name, Role: people.Operator, Groups: groups, Via: "token"}, c.id, Said{voice, plan, "because"})
	return err
}

func (c *counter) wantRefusal(err error, cause Cause, why string) {
	c.t.Helper()
	var refused *Refusal
	if !errors.As(err, &refused) || refused.Cause != cause || !strings.Contains(refused.Why, why) || refused.Do == "" {
		c.t.Errorf("it is %+v, want %s with %q, and what to do", err, cause, why)
	}
}

func TestTwoPeopleApprove(t *testing.T) {
	c := newCounter(t)
	if err := c.says(incident.Approve, "ada", "oncall"); err != nil {
		t.Fatal(err)
	}
	if inc := c.inc(); inc.State != incident.Awaiting || inc.Approval.Lacks().People != 1 {
		t.Fatalf("%s after one of two", inc.State)
	}
	if err := c.says(incident.Approve, "olga", "owners"); err != nil {
		t.Fatal(err)
	}
	inc := c.inc()
	if inc.State != incident.Deciding || inc.Consent == nil {
		t.Errorf("%s after both", inc.State)
	}
	for _, rec := range inc.History {
		if rec.Kind == incident.Voted && (rec.Gate == nil || rec.Gate.Ref == "") {
			t.Errorf("what policy was asked about %s is not kept", rec.Ballot.Person)
		}
	}
	if p := c.asked[0].Person; p.Name != "ada" || p.Verb != "approve" || p.Role != "operator" {
		t.Errorf("policy was asked about %+v", p)
	}
}

// TestPlansThatBeginAlike: the first digits of a plan mean none, where another one that people may have been shown begins with them.
func TestPlansThatBeginAlike(t *testing.T) {
	c := newCounter(t)
	known := map[string]string{}
	for n := 0; ; n++ {
		name := fmt.Sprint("plan ", n)
		short := planOf(name).Digest[:leastPlan]
		if before, twice := known[short]; twice {
			c.ask(planOf(before))
			c.ask(planOf(name))
			break
		}
		known[short] = name
	}
	whole := c.inc().Approval.Plan.Digest
	c.wantRefusal(c.saysOf(whole[:leastPlan], incident.Approve, "ada", "oncall"), Incomplete, "more than one plan of this incident begins with "+whole[:leastPlan])
	if err := c.saysOf(whole[:12], incident.Approve, "ada", "oncall"); err != nil {
		t.Error(err)
	}
	if err := c.saysOf(whole, incident.Approve, "olga", "owners"); err != nil {
		t.Error(err)
	}
}

// TestWhatDoesNotCount: none of it is a vote, all of it by somebody known is in the record, once, and is answered in one sentence.
func TestWhatDoesNotCount(t *testing.T) {
	for name, try := range map[string]struct {
		do    func(c *counter) error
		cause Cause
		why   string
	}{
		"a stranger":         {func(c *counter) error { return c.says(incident.Approve, "eve", "dev") }, NotAuthorised, "eve is not one of those who are asked"},
		"a stranger rejects": {func(c *counter) error { return c.says(incident.Reject, "eve", "dev") }, NotAuthorised, "not one of those"},
		"a stranger holds":   {func(c *counter) error { return c.says(incident.Hold, "eve") }, NotAuthorised, "not one of those"},
		"a viewer": {func(c *counter) error {
			_, err := c.Say(c.t.Context(), people.Person{Name: "vera", Role: people.Viewer, Groups: []string{"oncall"}}, c.id, Said{incident.Approve, c.plan(), ""})
			return err
		}, NotAuthorised, "vera is viewer"},
		"policy denies":        {func(c *counter) error { c.deny = "not on Fridays"; return c.says(incident.Approve, "ada", "oncall") }, NotAuthorised, "not on Fridays"},
		"who declared it":      {func(c *counter) error { c.by = "ada"; return c.says(incident.Approve, "ada", "oncall") }, NotAuthorised, "ada has declared the fault"},
		"who signed the rules": {func(c *counter) error { c.signer = "Ada"; return c.says(incident.Approve, "ada", "oncall") }, NotAuthorised, "ada signed the rules in force"},
		"the same person again": {func(c *counter) error {
			return errors.Join(only(c.says(incident.Approve, "ada", "oncall", "owners")), c.says(incident.Approve, "ada", "oncall", "owners"))
		}, SaidBefore, "ada has approved already"},
		"another is on it already": {func(c *counter) error {
			return errors.Join(only(c.says(incident.Hold, "ada", "oncall")), c.says(incident.Hold, "olga", "owners"))
		}, SaidBefore, "ada is on it until 12:16:00 UTC"},
		"an old plan": {func(c *counter) error {
			old := c.plan()
			c.ask(planOf("second"))
			return c.saysOf(old, incident.Approve, "ada", "oncall")
		}, PlanChanged, "is asked about by now"},
		"after it is over": {func(c *counter) error {
			c.now = noon.Add(11 * time.Minute)
			return c.says(incident.Approve, "ada", "oncall")
		}, TooLate, "was over at 12:11:00 UTC"},
		"after it expired": {func(c *counter) error {
			c.now = noon.Add(11 * time.Minute)
			c.add(incident.Record{Kind: incident.Expired})
			return c.says(incident.Approve, "ada", "oncall")
		}, TooLate, "was over at"},
		"after a rejection": {func(c *counter) error {
			return errors.Join(only(c.says(incident.Reject, "olga", "owners")), c.says(incident.Approve, "ada", "oncall"))
		}, Decided, "olga rejected plan"},
		"after it is gone": {func(c *counter) error {
			c.add(incident.Record{Kind: incident.Cleared, Text: "w1 is back"})
			return c.says(incident.Approve, "ada", "oncall")
		}, Decided, "w1 is back"},
		"after it is held": {func(c *counter) error {
			c.add(incident.Record{Kind: incident.Decided, Decided: &incident.Decision{Phase: incident.PhaseRecover, Plan: planOf("first")}})
			return c.says(incident.Approve, "ada", "oncall")
		}, NotAsked, "it is held"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCounter(t)
			c.wantRefusal(try.do(c), try.cause, try.why)
			if n := notes(c.inc()); n != 1 {
				t.Errorf("it is noted %d times", n)
			}
		})
	}
}

func TestWhatDoesNotCountIsNotedOnce(t *testing.T) {
	c := newCounter(t)
	for range 5 {
		c.wantRefusal(c.says(incident.Approve, "eve", "dev"), NotAuthorised, "eve")
	}
	if inc := c.inc(); notes(inc) != 1 || votes(inc) != 0 {
		t.Errorf("%d notes and %d ballots", notes(inc), votes(inc))
	}
}

func only(err error) error {
	if err != nil {
		panic(err)
	}
	return nil
}

func votes(inc *incident.Incident) (n int) { return kinds(inc, incident.Voted) }

func notes(inc *incident.Incident) (n int) { return kinds(inc, incident.Noted) }

func kinds(inc *incident.Incident, kind incident.RecordKind) (n int) {
	for _, rec := range inc.History {
		if rec.Kind == kind {
			n++
		}
	}
	return n
}

// TestWhoHoldsSalvorBackIsNotDenied: a rule that denies the plan denies nobody to reject it.
func TestWhoHoldsSalvorBackIsNotDenied(t *testing.T) {
	for voice, want := range map[incident.Voice]incident.State{incident.Reject: incident.HandedOver, incident.Hold: incident.Awaiting} {
		c := newCounter(t)
		c.deny, c.signer = "the plan is bad", "ada"
		if err := c.says(voice, "ada", "oncall"); err != nil || c.inc().State != want || len(c.asked) != 1 {
			t.Errorf("%s: %v, %s", voice, err, c.inc().State)
		}
	}
}

// works has the plan that is asked about run, in the midst of its only step.
func (c *counter) works() *responders.Plan {
	plan := planOf("first")
	c.add(incident.Record{Kind: incident.Decided, Decided: &incident.Decision{Phase: incident.PhaseRecover, Plan: plan, Answer: policies.Decision{Verdict: policies.Act}}})
	c.add(incident.Record{Kind: incident.Intent, Step: &incident.StepRef{Phase: incident.PhaseRecover, Plan: plan.Digest, Name: "cordon"}})
	return plan
}

func (c *counter) stops(name string, role people.Role, halt Halt) (*incident.Incident, error) {
	return c.Stop(c.t.Context(), people.Person{Name: name, Role: role, Groups: []string{"dev"}, Via: "token"}, c.id, halt)
}

// TestStop: whoever is an operator stops a plan in mid-step, whatever policy says of that; it is told what policy was asked, and to whom it is owed.
func TestStop(t *testing.T) {
	for name, do := range map[string]func(c *counter){
		"policy lets":            func(*counter) {},
		"policy denies":          func(c *counter) { c.deny = "not on Fridays" },
		"policy cannot be asked": func(c *counter) { c.broken = errors.New("the view is behind") },
		"the fault is theirs":    func(c *counter) { c.by = "bob" },
	} {
		c := newCounter(t)
		plan := c.works()
		do(c)
		inc, err := c.stops("bob", people.Operator, Halt{Plan: plan.ShortDigest(), Reason: "the zone is coming back"})
		if err != nil || inc.State != incident.HandedOver || inc.Intent != nil {
			t.Fatalf("%s: %v, %+v", name, err, inc)
		}
		last := inc.History[len(inc.History)-1]
		if want := "bob stopped plan " + plan.ShortDigest() + " in step 1 of 1, and what was done stays: the zone is coming back"; last.Text != want || (last.Gate == nil) != (c.broken != nil) {
			t.Errorf("%s: %+v, want %q", name, last, want)
		}
		if len(c.asked) == 1 && c.asked[0].Person.Verb != "stop" {
			t.Errorf("policy was asked whether they may %s", c.asked[0].Person.Verb)
		}
	}
}

func TestStopAndUndo(t *testing.T) {
	c := newCounter(t)
	plan := c.works().ShortDigest()
	c.deny = "not on Fridays"
	_, err := c.stops("bob", people.Operator, Halt{Plan: plan, Undo: true})
	c.wantRefusal(err, NotAuthorised, "policy does not let bob take it back: deny: not on Fridays")
	if c.inc().State != incident.Acting {
		t.Error("it was stopped")
	}
	c.deny = ""
	if _, err := c.stops("bob", people.Operator, Halt{Plan: plan}); err != nil {
		t.Fatal(err)
	}
	_, err = c.stops("eve", people.Operator, Halt{Plan: plan})
	c.wantRefusal(err, SaidBefore, "bob has stopped plan "+plan+" already")
	if inc, err := c.stops("ada", people.Operator, Halt{Plan: plan, Undo: true}); err != nil || inc.Why != "ada has what plan "+plan+" did taken back" {
		t.Fatalf("%v: %s", err, inc.Why)
	}
	_, err = c.stops("ada", people.Operator, Halt{Plan: plan, Undo: true})
	c.wantRefusal(err, SaidBefore, "ada has stopped plan")
}

// TestWhatCannotBeStopped: none of it is a stop, and each is answered in one sentence.
func TestWhatCannotBeStopped(t *testing.T) {
	for name, try := range map[string]struct {
		before func(c *counter)
		role   people.Role
		halt   Halt
		cause  Cause
		why    string
	}{
		"a viewer":           {func(c *counter) { c.works() }, people.Viewer, Halt{}, NotAuthorised, "bob is viewer"},
		"nothing runs yet":   {func(*counter) {}, people.Operator, Halt{}, NotAsked, "people are asked about it"},
		"another plan":       {func(c *counter) { c.works() }, people.Operator, Halt{Plan: "0000"}, PlanChanged, "is worked on by now"},
		"no plan is named":   {func(c *counter) { c.works() }, people.Operator, Halt{Plan: "4f"}, Incomplete, "which plan is meant"},
		"the reason is long": {func(c *counter) { c.works() }, people.Operator, Halt{Reason: strings.Repeat("x", 501)}, Incomplete, "more than 500"},
		"it was rejected":    {func(c *counter) { only(c.says(incident.Reject, "ada", "oncall")) }, people.Operator, Halt{}, NotAsked, "it is handed_over"},
		"the plan has ended": {func(c *counter) {
			plan := c.works()
			c.add(incident.Record{Kind: incident.Failed, Text: "it broke", Step: &incident.StepRef{Phase: incident.PhaseRecover, Plan: plan.Digest, Name: "cordon"}})
		}, people.Operator, Halt{}, Decided, "it is over"},
	} {
		c := newCounter(t)
		try.before(c)
		if try.halt.Plan == "" {
			try.halt.Plan = planOf("first").ShortDigest()
		}
		_, err := c.stops("bob", try.role, try.halt)
		c.wantRefusal(err, try.cause, try.why)
		if kinds(c.inc(), incident.Halted) != 0 {
			t.Errorf("%s: it was stopped", name)
		}
	}
}

// TestTwoPeopleStopAtOnce: one of them does, the others are told so.
func TestTwoPeopleStopAtOnce(t *testing.T) {
	c := newCounter(t)
	plan := c.works().ShortDigest()
	errs := make([]error, 4)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { _, errs[i] = c.stops(fmt.Sprint("bob-", i), people.Operator, Halt{Plan: plan}) })
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		c.wantRefusal(err, SaidBefore, "has stopped plan")
	}
	if won != 1 || kinds(c.inc(), incident.Halted) != 1 {
		t.Errorf("%d of them stopped it, %d records", won, kinds(c.inc(), incident.Halted))
	}
}

// TestAVoteCountsAsItWasCast: who is in other groups by now says nothing more, and what they said before counts.
func TestAVoteCountsAsItWasCast(t *testing.T) {
	c := newCounter(t)
	if err := errors.Join(c.says(incident.Approve, "ada", "oncall"), c.says(incident.Approve, "olga", "owners")); err != nil || c.inc().State != incident.Deciding {
		t.Fatal(err)
	}
	c = newCounter(t)
	if err := c.says(incident.Approve, "ada", "oncall"); err != nil {
		t.Fatal(err)
	}
	c.wantRefusal(c.says(incident.Approve, "ada"), NotAuthorised, "ada is not one of those who are asked")
	c.wantRefusal(c.says(incident.Reject, "ada"), NotAuthorised, "ada is not one of those who are asked")
	if err := c.says(incident.Approve, "olga", "owners"); err != nil || c.inc().State != incident.Deciding {
		t.Errorf("%v, %s", err, c.inc().State)
	}
}

func TestIncomplete(t *testing.T) {
	c := newCounter(t)
	who := people.Person{Name: "ada", Role: people.Operator, Groups: []string{"oncall"}}
	for why, said := range map[string]Said{
		"nobody knows what it means": {"maybe", c.plan(), ""}, "which plan is meant": {incident.Approve, "4f", ""},
		"needs a reason": {incident.Reject, c.plan(), " "}, "more than 500 characters": {incident.Approve, c.plan(), strings.Repeat("x", 501)},
	} {
		_, err := c.Say(t.Context(), who, c.id, said)
		c.wantRefusal(err, Incomplete, why)
	}
	if inc := c.inc(); votes(inc)+notes(inc) != 0 {
		t.Error("what is incomplete was recorded")
	}
}

// TestDoubleClick: two people of whom one is enough speak at the same moment. One decides, the other is told so; what they do counts once.
func TestDoubleClick(t *testing.T) {
	for round := range 20 {
		c := newCounter(t)
		if err := c.says(incident.Approve, "ada", "oncall"); err != nil {
			t.Fatal(err)
		}
		plan := c.plan()
		errs := make([]error, 4)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() { errs[i] = c.saysOf(plan, incident.Approve, fmt.Sprint("owner-", i), "owners") })
		}
		all.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			c.wantRefusal(err, Decided, "approved plan")
		}
		if inc := c.inc(); won != 1 || votes(inc) != 2 || inc.State != incident.Deciding {
			t.Fatalf("round %d: %d of them decided, %d ballots, %s", round, won, votes(inc), inc.State)
		}
	}
}

// TestNothingIsNotedBetweenAStepAndItsResult: whoever does the step would take that for another who is faster.
func TestNothingIsNotedBetweenAStepAndItsResult(t *testing.T) {
	c := newCounter(t)
	plan := planOf("first")
	c.add(incident.Record{Kind: incident.Decided, Decided: &incident.Decision{Phase: incident.PhaseRecover, Plan: plan, Answer: policies.Decision{Verdict: policies.Act}}})
	c.add(incident.Record{Kind: incident.Intent, Step: &incident.StepRef{Phase: incident.PhaseRecover, Plan: plan.Digest, Name: "cordon"}})
	before := c.inc()
	c.wantRefusal(c.says(incident.Approve, "ada", "oncall"), NotAsked, "it is acting")
	if now := c.inc(); now.Seq != before.Seq {
		t.Errorf("%s was recorded", now.History[len(now.History)-1].Kind)
	}
}
