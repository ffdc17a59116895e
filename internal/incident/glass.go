package incident

import (
	"fmt"
	"time"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Break is that one person wants a plan to run although there is no policy that could be asked, as they were known at that moment.
type Break struct {
	Person  string   `json:"person"`
	Groups  []string `json:"groups"`
	Via     string   `json:"via"`               // how they proved who they are
	Subject string   `json:"subject,omitempty"` // who they are to an identity provider, where their name is of it
	Plan    string   `json:"plan"`              // digest of the plan that they were shown
	Reason  string   `json:"reason"`            // what they wrote
}

// BreakWithin is how long the second person has, and how soon the plan has to be begun after the first.
const BreakWithin = 30 * time.Minute

// Glass is that people want one plan to run without policy. Two of them let it run: once, and nothing that is worse.
type Glass struct {
	Plan   *responders.Plan
	By     []Break
	Until  time.Time // view time
	Broken bool      // the plan was begun on it
}

// Asked says that two people want it.
func (g *Glass) Asked() bool { return len(g.By) > 1 }

// Breaks says why a person cannot have the plan that is held back run without policy at a time, of the view, and is nil where they can.
func (i *Incident) Breaks(b Break, now time.Time) error {
	switch d := i.Decision; {
	case i.State != Held || d == nil || d.Plan == nil:
		return fmt.Errorf("no plan is held back: it is %s", i.State)
	case !d.Answer.Missing():
		return fmt.Errorf("it is held back by a policy that works")
	case i.joins(now) && i.Glass.Asked():
		return fmt.Errorf("%s and %s have said so already", i.Glass.By[0].Person, i.Glass.By[1].Person)
	case i.joins(now) && i.Glass.has(b):
		return fmt.Errorf("%s has said so already, and another person has to", b.Person)
	}
	return nil
}

// open says that people have begun to break it, and it still counts.
func (g *Glass) open(now time.Time) bool { return g != nil && !g.Broken && now.Before(g.Until) }

// joins says that whoever wants the plan that is held back is not the first who wants it, or one that is worse.
func (i *Incident) joins(now time.Time) bool {
	return i.Glass.open(now) && len(Worse(i.Decision.Plan, i.Glass.Plan)) == 0
}

func (g *Glass) has(b Break) bool {
	for _, other := range g.By {
		if other.ballot().samePerson(b.ballot()) {
			return true
		}
	}
	return false
}

func (b Break) ballot() Ballot { return Ballot{Person: b.Person, Via: b.Via, Subject: b.Subject} }

// breaks counts that a person wants the plan to run without policy. The first asks, the second has it decided about anew at once.
func breaks(i *Incident, rec Record) State {
	b := rec.Break
	if b == nil || b.Person == "" || b.Reason == "" || i.Breaks(*b, rec.At) != nil || b.Plan != i.Decision.Plan.Digest {
		return Unopened
	}
	if !i.joins(rec.At) {
		i.Glass = &Glass{Plan: i.Decision.Plan, By: []Break{*b}, Until: rec.At.Add(BreakWithin)}
		return Held
	}
	g := *i.Glass
	g.By = append([]Break{g.By[0]}, *b)
	i.Glass = &g
	return Deciding
}

// MayBreak says whether a plan may be begun at a time, of the view, though there is no policy: two people want it, or one that is worse, and
// nothing but that holds it back.
func (i *Incident) MayBreak(phase Phase, plan *responders.Plan, answer policies.Decision, now time.Time) bool {
	return phase == PhaseRecover && plan != nil && i.Glass.open(now) && i.Glass.Asked() && answer.Breakable() && len(Worse(plan, i.Glass.Plan)) == 0
}

// goesOnBroken says whether the step that is due may run without policy, since its plan was begun so.
func (i *Incident) goesOnBroken(answer policies.Decision) bool {
	return i.Glass != nil && i.Glass.Broken && i.Phase == PhaseRecover && answer.Breakable()
}
