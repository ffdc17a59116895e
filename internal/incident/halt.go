package incident

import (
	"fmt"
	"slices"

	"github.com/salvor-io/salvor/responders"
)

// Halt is that one person stopped a plan, as they were known at that moment. What was begun is not gone on with; what was done stays, or is
// taken back now. Its record closes the step that is open: the result that comes late is refused, and nobody waits for the deadline.
type Halt struct {
	Person  string   `json:"person"`
	Groups  []string `json:"groups"`            // theirs
	Via     string   `json:"via"`               // how they proved who they are: "token", "socket"
	Subject string   `json:"subject,omitempty"` // who they are to an identity provider, where their name is of it
	Plan    string   `json:"plan"`              // digest of the plan that they stopped
	Undo    bool     `json:"undo,omitempty"`    // what was done is to be taken back now, though the fault may still stand
	Reason  string   `json:"reason,omitempty"`  // what they wrote
}

// Stop is a halt and what became of it. It holds until the fault comes back, or people let another plan run.
type Stop struct {
	By    Halt
	Plan  *responders.Plan // the one that was stopped
	Begun bool             // what was done is being taken back, or was
	Why   string           // what was said of it
}

// Stoppable is the plan that a person can stop now: the one that is worked on, or that people have approved of and that is not begun. Nil
// where there is none.
func (i *Incident) Stoppable() *responders.Plan {
	switch {
	case i.Working():
		return i.Plan
	case i.State == Deciding || i.State == Held:
		if i.Consent != nil {
			return i.Consent.Plan
		}
		if i.Glass != nil && !i.Glass.Broken && i.Glass.Asked() {
			return i.Glass.Plan
		}
	}
	return nil
}

// Halts says why a halt would change nothing, and is nil where it does. What was stopped may still be taken back, once.
func (i *Incident) Halts(h Halt) error {
	switch plan, again := i.Stoppable(), i.stoppedPlan(); {
	case plan == nil && again == nil:
		return fmt.Errorf("no plan is worked on: it is %s", i.State)
	case plan == nil && (!h.Undo || i.Stopped.By.Undo):
		return fmt.Errorf("%s has stopped plan %s already", i.Stopped.By.Person, again.ShortDigest())
	case plan == nil && !i.Wrote:
		return fmt.Errorf("%s has stopped plan %s already, and nothing is left to take back", i.Stopped.By.Person, again.ShortDigest())
	case i.State == Restoring && h.Undo:
		return fmt.Errorf("what was done is being taken back already")
	}
	return nil
}

// stoppedPlan is the plan that a person has stopped, while it rests for that.
func (i *Incident) stoppedPlan() *responders.Plan {
	if i.State == HandedOver && i.Stopped != nil {
		return i.Stopped.Plan
	}
	return nil
}

// Halting is the plan that a halt is about: the one that can be stopped, or the one that is stopped already.
func (i *Incident) Halting() *responders.Plan {
	if plan := i.Stoppable(); plan != nil {
		return plan
	}
	return i.stoppedPlan()
}

// halts ends a plan because a person says so, wherever it is: in the midst of a step, too. It rests as one does that people rejected.
func halts(i *Incident, rec Record) State {
	h, plan := rec.Halt, i.Halting()
	if h == nil || h.Person == "" || plan == nil || h.Plan != plan.Digest || i.Halts(*h) != nil {
		return Unopened
	}
	i.Stopped, i.Decision = &Stop{By: *h, Plan: plan, Why: rec.Text}, nil
	if i.State == HandedOver {
		return HandedOver
	}
	if i.Working() && i.Phase == PhaseUndo {
		plan = i.recovery()
	}
	i.Refused = append(slices.Clone(i.Refused), Refusal{plan, h.Person})
	i.Approval, i.Consent, i.Glass = nil, nil, nil
	if !i.Working() {
		return HandedOver
	}
	return handsOverInPlan(i, rec)
}

// takesBack says that a person wants what was done to be taken back now, and that is not begun.
func (i *Incident) takesBack() bool {
	return i.State == HandedOver && i.ordersUndo() && !i.Stopped.Begun && i.Wrote
}

// ordersUndo says that a person stopped the plan and wants what was done to be taken back, whether the fault stands or not.
func (i *Incident) ordersUndo() bool { return i.Stopped != nil && i.Stopped.By.Undo }

// leaves says that a person stopped the plan and wants what was done to stay.
func (i *Incident) leaves() bool { return i.Stopped != nil && !i.Stopped.By.Undo }

// recovery is the last plan that was begun to recover from the fault, nil when none was.
func (i *Incident) recovery() *responders.Plan {
	for _, rec := range slices.Backward(i.History) {
		if d := rec.Decided; d != nil && d.Phase == PhaseRecover && d.Starts() {
			return d.Plan
		}
	}
	return nil
}

// ballot is what a halt says of taking back what was done: who orders that approves of it.
func (h Halt) ballot() Ballot {
	return Ballot{Person: h.Person, Groups: h.Groups, Via: h.Via, Subject: h.Subject, Says: Approve}
}
