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
	t     *testing.T
	store *memory.Store
	id    incident.ID
	now   time.Time
	deny  string // why policy lets nobody
	by    string // who declared the fault
	asked []policies.Question
	mu    sync.Mutex
}

func (c *counter) Authorize(_ context.Context, inc *incident.Incident, p policies.Person) (recovery.Stored, uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := policies.Question{About: policies.AboutAuthorize, Now: c.now, Person: p, Incident: policies.IncidentFacts{ID: string(inc.ID), Declared: c.by}}
	c.asked = append(c.asked, q)
	said := policies.Said{}
	if c.deny != "" {
		said.Deny = []policies.Reason{{Text: c.deny, Rule: "own.rego:3"}}
	}
	return recovery.Stored{Question: q, Decision: policies.Settle(said, q)}, inc.ViewSeq, nil
}

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
	c.Desk = &Desk{Ledger: c.store.Writer("desk"), Authorizer: c, Lost: ledger.ErrLost, Log: slog.New(slog.DiscardHandler)}
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
		"policy denies":   {func(c *counter) error { c.deny = "not on Fridays"; return c.says(incident.Approve, "ada", "oncall") }, NotAuthorised, "not on Fridays"},
		"who declared it": {func(c *counter) error { c.by = "ada"; return c.says(incident.Approve, "ada", "oncall") }, NotAuthorised, "ada has declared the fault"},
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
		c.deny = "the plan is bad"
		if err := c.says(voice, "ada", "oncall"); err != nil || c.inc().State != want || len(c.asked) != 1 {
			t.Errorf("%s: %v, %s", voice, err, c.inc().State)
		}
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
