package incident

import (
	"time"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// The functions below are the cells of the table whose next state depends on the record. Each returns Unopened to refuse a
// record that does not fit, having changed nothing that matters then.

func opens(i *Incident, rec Record) State {
	if rec.Fault == nil || rec.Key == nil {
		return Unopened
	}
	i.ID, i.Key, i.Fault, i.OpenedAt, i.Count = rec.Incident, *rec.Key, *rec.Fault, rec.At, 1
	if rec.Standing {
		return Standing
	}
	return Deciding
}

// suspect starts the confirmation window of a fault that is seen again. Without one there is nothing to wait for.
func (i *Incident) suspect(rec Record) State {
	if rec.WindowS <= 0 {
		return Deciding
	}
	i.DueAt = rec.At.Add(time.Duration(rec.WindowS * float64(time.Second)))
	return Suspected
}

// confirms takes the fault as it is seen now; a record without one confirms it as it was last seen.
func confirms(i *Incident, rec Record) State {
	if rec.Fault != nil {
		i.Fault = *rec.Fault
	}
	return Deciding
}

func recurs(i *Incident, rec Record) State {
	to := grows(i, rec)
	if to != Unopened {
		i.Count++
	}
	return to
}

// grows takes in a fault that reaches further than what was done about it.
func grows(i *Incident, rec Record) State {
	if rec.Fault == nil || i.Intent != nil {
		return Unopened
	}
	i.Fault, i.Stopped = *rec.Fault, nil
	i.dropPlan()
	i.forgetAsked()
	return i.suspect(rec)
}

// awakens makes a standing fault one that is acted on: it changed under Salvor's eyes.
func awakens(i *Incident, rec Record) State {
	if rec.Fault == nil {
		return Unopened
	}
	i.Fault = *rec.Fault
	return i.suspect(rec)
}

func decides(i *Incident, rec Record) State {
	d := rec.Decided
	if d == nil || d.Phase != PhaseRecover {
		return Unopened
	}
	i.Decision = d
	switch {
	case d.Broken && !i.MayBreak(PhaseRecover, d.Plan, d.Answer, rec.At):
		return Unopened
	case d.Broken:
		g := *i.Glass
		g.Broken, i.Glass, i.Approval = true, &g, nil
		return i.start(rec, Acting)
	case d.Answer.Verdict == policies.Act:
		i.Approval = nil
		return i.start(rec, Acting)
	case d.Answer.Verdict != policies.Ask:
		i.setAside(rec.At)
		return Held
	case d.Agreed && !i.Agreed(PhaseRecover, d.Plan, d.Answer, rec.At):
		return Unopened
	case d.Agreed:
		return i.start(rec, Acting)
	}
	return i.asks(rec)
}

func decidesUndo(i *Incident, rec Record) State {
	d := rec.Decided
	if d == nil || d.Phase != PhaseUndo {
		return Unopened
	}
	i.Decision = d
	switch {
	case d.Broken:
		return Unopened
	case d.Agreed && !i.Agreed(PhaseUndo, d.Plan, d.Answer, rec.At):
		return Unopened
	case !d.Starts():
		return i.State
	}
	return i.start(rec, Restoring)
}

// decidesHandedOver decides anew about a recovery, or about taking one back that a person stopped.
func decidesHandedOver(i *Incident, rec Record) State {
	if i.takesBack() {
		return decidesUndo(i, rec)
	}
	return decides(i, rec)
}

// start puts the decided plan in force.
func (i *Incident) start(rec Record, to State) State {
	d := rec.Decided
	if d.Plan == nil || len(d.Plan.Steps) == 0 {
		return Unopened
	}
	i.Plan, i.Phase, i.Next, i.Intent = d.Plan, d.Phase, 0, nil
	if i.Stopped != nil {
		stop := *i.Stopped
		stop.Begun, i.Stopped = true, &stop
	}
	if d.Phase == PhaseRecover {
		i.Stopped = nil
		if !d.Broken {
			i.Glass = nil
		}
		i.Attempts++
		i.UndoFailures = 0
		i.Consented = nil
		if i.Approves(d.Plan, rec.At) { // policy may have let it run meanwhile
			i.Consented = i.Consent
		}
		i.Consent = nil
	}
	return to
}

func (i *Incident) dropPlan() {
	i.Plan, i.Next, i.Intent, i.Decision = nil, 0, nil, nil
}

func intends(i *Incident, rec Record) State {
	if i.Intent != nil || !i.fits(rec.Step) || rec.Step.Index != i.Next {
		return Unopened
	}
	i.Intent = &Open{*rec.Step, rec.Writer, rec.Nonce}
	i.Wrote = i.Wrote || !i.Plan.Lasts && i.Plan.Steps[i.Next].Change.Class > policies.Observe
	return i.State
}

func takesOver(i *Incident, rec Record) State {
	if i.Intent == nil || !i.fits(rec.Step) || rec.Step.Index != i.Intent.Index {
		return Unopened
	}
	i.Intent = &Open{*rec.Step, rec.Writer, rec.Nonce}
	return i.State
}

func does(i *Incident, rec Record) State {
	if !i.answersIntent(rec) {
		return Unopened
	}
	i.Intent = nil
	i.Next++
	if i.Next < len(i.Plan.Steps) {
		return i.State
	}
	return i.stepsEnd(rec)
}

// stepsEnd is where an incident goes when no step is left.
func (i *Incident) stepsEnd(rec Record) State {
	i.LastTry = rec.At
	if i.Phase == PhaseUndo {
		i.Wrote, i.Consented = false, nil
		i.dropPlan()
		if i.ordersUndo() {
			i.Why = i.Stopped.Why
			return HandedOver // the fault may still stand, and what was stopped is not begun again
		}
		i.forgetAsked()
		return Clearing
	}
	return Verifying
}

func fails(i *Incident, rec Record) State {
	if !i.answersIntent(rec) {
		return Unopened
	}
	step := i.Plan.Steps[i.Next]
	i.Intent = nil
	if step.OnFailure == responders.OnFailureContinue {
		i.Next++
		if i.Next < len(i.Plan.Steps) {
			return i.State
		}
		return i.stepsEnd(rec)
	}
	return handsOverInPlan(i, rec)
}

// clearsInPlan ends a plan whose fault is gone. A step that was begun is not gone on with, whoever began it: what it left is
// found, and taken back, by looking at the world.
func clearsInPlan(i *Incident, _ Record) State {
	i.Intent = nil
	return Clearing
}

func checks(i *Incident, rec Record) State {
	i.Outcome, i.LastTry = rec.Outcome, rec.At
	switch rec.Outcome {
	case responders.OutcomeVerified:
		return Recovered
	case responders.OutcomePartly, responders.OutcomeNotVerified, responders.OutcomeUnknown:
		i.Failures++
		return HandedOver
	}
	return Unopened
}

func (i *Incident) fits(ref *StepRef) bool {
	return ref != nil && i.Plan != nil && ref.Plan == i.Plan.Digest && ref.Phase == i.Phase &&
		ref.Index >= 0 && ref.Index < len(i.Plan.Steps)
}

func (i *Incident) answersIntent(rec Record) bool {
	return i.Intent != nil && i.fits(rec.Step) && rec.Step.Index == i.Intent.Index
}
