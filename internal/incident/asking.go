package incident

import (
	"slices"
	"time"
)

// asks asks people about a plan. Where it is not worse than the one that they were asked about, and only policy has changed its mind, or a
// brake that held it back is gone, what they said counts on.
func (i *Incident) asks(rec Record) State {
	d := rec.Decided
	if d.Plan == nil || d.Answer.Asks == nil {
		return Unopened
	}
	a := Approval{Plan: d.Plan, Asks: *d.Answer.Asks, Since: rec.At, Until: rec.At.Add(Within(*d.Answer.Asks))}
	switch worse := len(d.Worse) > 0; {
	case worse || i.Rounds == 0:
		i.Rounds++
	case i.Approval != nil:
		a = i.Approval.takenUp(rec.At)
		a.Plan, a.Asks = d.Plan, *d.Answer.Asks
	case i.Consent != nil && rec.At.Before(i.Consent.Until): // it was enough once, and is not any more
		a.Ballots, a.Escalated = i.Consent.Ballots, i.Consent.Escalated
	}
	a.Round = i.Rounds
	i.Approval, i.Consent = &a, nil
	return i.counted(rec.At)
}

// takenUp is an approval after what held its plan back is gone: nobody could answer meanwhile.
func (a *Approval) takenUp(now time.Time) Approval {
	out := *a
	if !out.Away.IsZero() {
		left := now.Sub(out.Away)
		out.Since, out.Until, out.Away = out.Since.Add(left), out.Until.Add(left), time.Time{}
	}
	return out
}

// setAside keeps what people are asked while something else holds the plan back.
func (i *Incident) setAside(now time.Time) {
	if i.Approval != nil && i.Approval.Away.IsZero() {
		a := *i.Approval
		a.Away = now
		i.Approval = &a
	}
}

// counted is where an incident goes once enough people have approved, or while some are missing.
func (i *Incident) counted(now time.Time) State {
	a := i.Approval
	if a.Lacks().People > 0 {
		return Awaiting
	}
	i.Consent = &Consent{Plan: a.Plan, Ballots: a.Ballots, Escalated: a.Escalated, Until: now.Add(Within(a.Asks))}
	i.Approval = nil
	return Deciding
}

// votes counts what a person says. Whether this person may was looked at before; what is held here is that it is said of what is asked, in
// time, and once.
func votes(i *Incident, rec Record) State {
	b := rec.Ballot
	if b == nil || b.Person == "" || b.Plan != i.Approval.Plan.Digest || !rec.At.Before(i.Approval.Until) || !i.Approval.Counts(*b) {
		return Unopened
	}
	a := *i.Approval
	switch b.Says {
	case Approve:
		if a.HasApproved(*b) {
			return Unopened
		}
		a.Ballots = append(slices.Clone(a.Ballots), *b)
		i.Approval = &a
		return i.counted(rec.At)
	case Reject:
		i.refuse(b.Person)
		return HandedOver
	case Hold:
		if a.HeldBy != "" {
			return Unopened
		}
		a.HeldBy, a.HeldUntil, a.Until = b.Person, rec.At.Add(HoldFor), a.Until.Add(HoldFor)
		i.Approval = &a
		return Awaiting
	}
	return Unopened
}

// refuse keeps the plan that people were asked about as one that is not done.
func (i *Incident) refuse(by string) {
	if plan := i.AskedAbout(); plan != nil && (i.Approval != nil || i.Consent != nil) {
		i.Refused = append(slices.Clone(i.Refused), Refusal{plan, by})
	}
	i.Approval, i.Consent = nil, nil
}

// reminds asks once more, or again when the time to answer was over for long before anybody looked. People have at least half of the time
// from then on: where nobody was there to remind them, as while all replicas were stopped, nobody was there to take an answer either.
func reminds(i *Incident, rec Record) State {
	a := *i.Approval
	if a.Reminded > 0 && !a.overlooked(rec.At) {
		return Unopened
	}
	a.Reminded, a.Until = a.Reminded+1, later(a.Until, rec.At.Add(Within(a.Asks)/2))
	i.Approval = &a
	return Awaiting
}

// overlooked says that the time to answer was over for so long that nobody can have looked, which happens once.
func (a *Approval) overlooked(now time.Time) bool {
	return a.Reminded < 2 && !now.Before(a.Until.Add(Within(a.Asks)/2))
}

func escalates(i *Incident, rec Record) State {
	if !i.Approval.escalates() || rec.At.Before(i.Approval.Until) {
		return Unopened
	}
	a := *i.Approval
	a.Escalated, a.Reminded = a.Asks.Needs, 0
	a.Since, a.Until = rec.At, rec.At.Add(Within(a.Asks))
	i.Approval = &a
	return Awaiting
}

func expires(i *Incident, rec Record) State {
	if i.Approval.escalates() || rec.At.Before(i.Approval.Until) {
		return Unopened
	}
	i.refuse("")
	return HandedOver
}

// withdraws takes back what was asked: its fault is gone.
func withdraws(i *Incident, _ Record) State {
	i.forgetAsked()
	if i.ordersUndo() {
		i.Stopped = nil // what is left of that is taken back as ever when a fault is gone
	}
	return Clearing
}

// forgetAsked forgets what people were asked and said, but for their consent to what was done.
func (i *Incident) forgetAsked() {
	i.Approval, i.Consent, i.Refused, i.Glass, i.Rounds = nil, nil, nil, nil, 0
}

// handsOverInPlan leaves the rest of a plan to a person. A step that was begun is found by looking at the world.
func handsOverInPlan(i *Incident, rec Record) State {
	i.Intent, i.LastTry = nil, rec.At
	if i.Phase == PhaseUndo {
		i.UndoFailures++
	} else {
		i.Failures++
	}
	return HandedOver
}

// handsOver leaves it to a person: what was asked about is not done.
func handsOver(i *Incident, _ Record) State {
	i.refuse("")
	return HandedOver
}
