package approval

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// withoutPolicy has a plan held back for want of policy, and for whatever else.
func (c *counter) withoutPolicy(plan *responders.Plan, others ...policies.Reason) {
	c.armless = true
	d := policies.Silent(policies.ErrNone)
	d.Held = append(d.Held, others...)
	c.add(incident.Record{Kind: incident.Decided, Decided: &incident.Decision{Phase: incident.PhaseRecover, Plan: plan, Answer: d}})
}

const why = "the bundle server burnt down"

func (c *counter) breaks(name, via, plan, reason string) (*incident.Incident, error) {
	return c.BreakGlass(c.t.Context(), people.Person{Name: name, Role: people.Operator, Via: via}, c.id, Break{plan, reason})
}

func TestTwoPeopleBreakTheGlass(t *testing.T) {
	c := newCounter(t)
	plan := planOf("first")
	c.withoutPolicy(plan)
	inc, err := c.breaks("ada", "token", plan.ShortDigest(), why)
	if err != nil || inc.State != incident.Held || !strings.Contains(inc.Why, "BROKEN GLASS: ada wants plan "+plan.ShortDigest()) {
		t.Fatalf("%v, %+v", err, inc)
	}
	_, err = c.breaks("Ada", "token", plan.ShortDigest(), why)
	c.wantRefusal(err, SaidBefore, "another person has to")
	c.now = c.now.Add(29 * time.Minute)
	inc, err = c.breaks("olga", "token", plan.ShortDigest(), why)
	if err != nil || inc.State != incident.Deciding || !strings.Contains(inc.Why, "ada and olga let plan") {
		t.Fatalf("%v, %+v", err, inc)
	}
	if !inc.MayBreak(incident.PhaseRecover, plan, policies.Silent(policies.ErrNone), c.now) {
		t.Error("the plan may not run")
	}
	for _, rec := range inc.History {
		if rec.Kind == incident.Broke && rec.Gate == nil {
			t.Error("what policy was asked is not kept")
		}
	}
}

// TestTheGlassHolds: none of it lets a plan run without policy.
func TestTheGlassHolds(t *testing.T) {
	plan := planOf("first")
	good := plan.ShortDigest()
	for name, c := range map[string]struct {
		do    func(c *counter) error
		cause Cause
		why   string
	}{
		"policy works": {func(c *counter) error {
			c.armless = false
			_, err := c.breaks("ada", "token", good, why)
			return err
		}, NotAsked, "policy works"},
		"policy was the reason": {func(c *counter) error {
			c.add(incident.Record{Kind: incident.Decided, Decided: &incident.Decision{Phase: incident.PhaseRecover, Plan: plan}})
			_, err := c.breaks("ada", "token", good, why)
			return err
		}, NotAsked, "policy works"},
		"a pause holds it, too": {func(c *counter) error {
			c.withoutPolicy(plan, policies.Reason{Text: "paused by bob", Rule: "pause"})
			_, err := c.breaks("ada", "token", good, why)
			return err
		}, NotAsked, "paused by bob"},
		"somebody else": {func(c *counter) error { _, err := c.breaks("eve", "token", good, why); return err }, NotAuthorised, "eve is not one of those"},
		"a viewer": {func(c *counter) error {
			_, err := c.BreakGlass(c.t.Context(), people.Person{Name: "ada", Role: people.Viewer}, c.id, Break{good, why})
			return err
		}, NotAuthorised, "ada is viewer"},
		"no reason":    {func(c *counter) error { _, err := c.breaks("ada", "token", good, "because"); return err }, Incomplete, "at least 20"},
		"another plan": {func(c *counter) error { _, err := c.breaks("ada", "token", "0000", why); return err }, PlanChanged, "is the one that is held back"},
		"people are asked": {func(c *counter) error {
			c.ask(plan)
			_, err := c.breaks("ada", "token", good, why)
			return err
		}, NotAsked, "it is awaiting"},
		"both over the socket": {func(c *counter) error {
			_, first := c.breaks("ada", "socket", good, why)
			_, err := c.breaks("olga", "socket", good, why)
			only(first)
			return err
		}, SaidBefore, "another person has to"},
	} {
		t.Run(name, func(t *testing.T) {
			desk := newCounter(t)
			desk.withoutPolicy(plan)
			desk.wantRefusal(c.do(desk), c.cause, c.why)
			if inc := desk.inc(); inc.Glass != nil && inc.Glass.Asked() {
				t.Error("two people have spoken")
			}
		})
	}
}

// TestAWorsePlanOrALateSecond begins anew: who speaks then is the first.
func TestAWorsePlanOrALateSecond(t *testing.T) {
	for name, then := range map[string]func(c *counter) *responders.Plan{
		"late": func(c *counter) *responders.Plan { c.now = c.now.Add(incident.BreakWithin); return planOf("first") },
		"worse": func(c *counter) *responders.Plan {
			c.withoutPolicy(planOf("second"))
			return planOf("second")
		},
	} {
		c := newCounter(t)
		c.withoutPolicy(planOf("first"))
		_, err := c.breaks("ada", "token", planOf("first").ShortDigest(), why)
		only(err)
		plan := then(c)
		inc, err := c.breaks("olga", "token", plan.ShortDigest(), why)
		if err != nil || inc.State != incident.Held || len(inc.Glass.By) != 1 || inc.Glass.By[0].Person != "olga" {
			t.Errorf("%s: %v, %+v", name, err, inc.Glass)
		}
		if !slices.ContainsFunc(inc.History, func(rec incident.Sequenced) bool { return rec.Kind == incident.Broke }) {
			t.Errorf("%s: nothing is recorded", name)
		}
	}
}
