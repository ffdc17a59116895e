package incident

import (
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Approval is what people are asked about one plan, and what they said so far. It outlives a brake that holds the plan back meanwhile: see
// Incident.Asking.
type Approval struct {
	Plan      *responders.Plan
	Asks      policies.Asks
	Round     int             // 1 at first; more where the plan got worse and was asked about again
	Since     time.Time       // when people were asked, view time
	Until     time.Time       // when the time to answer is over, view time
	Escalated []policies.Need // those for whom others may stand in by now
	Reminded  int             // how often, since they were asked or since it escalated
	HeldBy    string          // who is on it, "" when nobody said so
	HeldUntil time.Time
	Ballots   []Ballot

	Away time.Time // since when nobody is asked, since something else holds the plan back
}

// How long people have, where no rule says, and for how long one who is on it holds everybody else off.
const (
	AnswerWithin = 30 * time.Minute
	HoldFor      = 15 * time.Minute
)

// Within is how long an ask gives people to answer.
func Within(a policies.Asks) time.Duration {
	if a.WithinS > 0 {
		return time.Duration(a.WithinS * float64(time.Second))
	}
	return AnswerWithin
}

// Asking is what people are asked now, nil when nobody is.
func (i *Incident) Asking() *Approval {
	if i.State != Awaiting {
		return nil
	}
	return i.Approval
}

// Whom is who may answer now.
func (a *Approval) Whom() policies.Asks { return widened(a.Asks, a.Escalated) }

// widened is an ask after some needs have escalated: who may stand in for those of such a need counts as one of them.
func widened(asks policies.Asks, escalated []policies.Need) policies.Asks {
	needs := slices.Clone(asks.Needs)
	for n, need := range needs {
		if len(need.Groups) > 0 && hasEscalated(need, escalated) {
			needs[n].Groups = slices.Concat(need.Groups, need.EscalateTo)
		}
	}
	asks.Needs = needs
	return asks
}

// hasEscalated says whether the same people were asked, and the same may stand in for them.
func hasEscalated(need policies.Need, escalated []policies.Need) bool {
	return slices.ContainsFunc(escalated, func(e policies.Need) bool {
		return slices.Equal(e.Groups, need.Groups) && slices.Equal(e.EscalateTo, need.EscalateTo)
	})
}

// StandIns are the groups that may stand in when nobody answers in time, and do not yet.
func (a *Approval) StandIns() []string {
	var all []string
	for _, need := range a.Asks.Needs {
		if !hasEscalated(need, a.Escalated) {
			all = append(all, need.EscalateTo...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// escalates says that there is somebody else to ask when nobody answers in time.
func (a *Approval) escalates() bool { return len(a.StandIns()) > 0 }

// remindAt is when people are asked once more: when half of the time is over, and not while somebody is on it.
func (a *Approval) remindAt() time.Time {
	return later(a.Since.Add(a.Until.Sub(a.Since)/2), a.HeldUntil)
}

// Counts says whether a ballot is of one of those who are asked.
func (a *Approval) Counts(b Ballot) bool { return asked(a.Whom(), b) }

// HasApproved says whether whoever casts a ballot has approved already.
func (a *Approval) HasApproved(b Ballot) bool { return slices.ContainsFunc(a.Ballots, b.samePerson) }

// Lacks is what is missing until the plan is approved of.
func (a *Approval) Lacks() Lacks { return Lacking(a.Whom(), a.Ballots) }

// Consent is that people approved of a plan. It is good for one run of it. It starts nothing: the plan is worked out and decided about anew,
// by policy as it is then, so that what is begun is never older than the votes, a pause or a stricter policy.
type Consent struct {
	Plan      *responders.Plan
	Ballots   []Ballot
	Escalated []policies.Need
	Until     time.Time // until when the plan may be begun, view time
}

// meets says whether those who approved are whom policy asks.
func (c *Consent) meets(asks *policies.Asks) bool {
	return asks != nil && Lacking(widened(*asks, c.Escalated), c.Ballots).People == 0
}

// Refusal is a plan that was asked about and is not done.
type Refusal struct {
	Plan *responders.Plan
	By   string // who rejected it, "" when nobody decided
}

// Agreed says whether a plan may be begun at a time, of the view, because those whom policy asks about it have approved, of it or of one
// that is worse. Consent to the recovery that is in force is consent to taking it back, where that touches nothing else.
func (i *Incident) Agreed(phase Phase, plan *responders.Plan, answer policies.Decision, now time.Time) bool {
	switch {
	case answer.Verdict != policies.Ask || plan == nil:
		return false
	case phase == PhaseUndo:
		return i.agreedToUndo(plan, answer)
	}
	return i.Approves(plan, now) && i.Consent.meets(answer.Asks)
}

// Approves says whether people have approved of a plan, or of one that is worse, and that still counts.
func (i *Incident) Approves(plan *responders.Plan, now time.Time) bool {
	return i.Consent != nil && now.Before(i.Consent.Until) && len(Worse(plan, i.Consent.Plan)) == 0
}

// GoesOn says whether the step that is due may run on what policy answers about it.
func (i *Incident) GoesOn(answer policies.Decision) bool {
	if answer.Verdict == policies.Act || i.goesOnBroken(answer) {
		return true
	}
	switch {
	case answer.Verdict != policies.Ask:
		return false
	case i.Phase == PhaseUndo:
		return i.agreedToUndo(i.Plan, answer)
	}
	return i.Consented != nil && i.Consented.meets(answer.Asks) && len(Worse(i.Plan, i.Consented.Plan)) == 0
}

// agreedToUndo says whether those whom policy asks about taking back what was done have approved of the recovery, or ordered that it is taken
// back, and it touches nothing else.
func (i *Incident) agreedToUndo(plan *responders.Plan, answer policies.Decision) bool {
	c := Consent{Plan: i.recovery()}
	if i.Consented != nil {
		c = *i.Consented
	}
	if i.ordersUndo() {
		c.Ballots = append(slices.Clone(c.Ballots), i.Stopped.By.ballot())
	}
	return c.Plan != nil && len(c.Ballots) > 0 && c.meets(answer.Asks) && touchesNothingElse(plan, c.Plan)
}

// AskedAbout is the plan that people were asked about last, nil when that does not count any more.
func (i *Incident) AskedAbout() *responders.Plan {
	switch {
	case i.Approval != nil:
		return i.Approval.Plan
	case i.Consent != nil:
		return i.Consent.Plan
	case len(i.Refused) > 0:
		return i.Refused[len(i.Refused)-1].Plan
	}
	return nil
}

// Refuses says whether a plan is one that was refused, or does less at the same steps.
func (i *Incident) Refuses(plan *responders.Plan) bool {
	return slices.ContainsFunc(i.Refused, func(r Refusal) bool { return len(Worse(plan, r.Plan)) == 0 })
}

// samePerson says whether two ballots are of one person. Who speaks over the socket of the server's machine is one, whatever their name there:
// root can be any of them. Who has changed their name at an identity provider is still one.
func (b Ballot) samePerson(o Ballot) bool {
	return b.Via == viaSocket && o.Via == viaSocket || b.Subject != "" && b.Subject == o.Subject || strings.EqualFold(b.Person, o.Person)
}

// viaSocket is how package people calls the Unix socket.
const viaSocket = "socket"
