package approval

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/internal/recovery"
	"github.com/salvor-io/salvor/policies"
)

// Halt is that a person stops a plan.
type Halt struct {
	Plan   string // the digest of the plan that they see at work, or its first digits: at least four
	Undo   bool   // what was done is taken back now; else it stays as it is
	Reason string
}

// verb is what policy is asked about.
func (h Halt) verb() string {
	if h.Undo {
		return "undo"
	}
	return "stop"
}

// Stop ends the plan that is worked on, or that is approved of and not begun, since a person says so, and returns the incident after it. A
// *Refusal says why that changes nothing. It may be repeated: a plan that is stopped already is told to be. From the moment that it is recorded
// no write to the world begins for that plan, whichever replica is at work on it.
func (d *Desk) Stop(ctx context.Context, who people.Person, id incident.ID, halt Halt) (*incident.Incident, error) {
	for range tries {
		inc, err := d.Ledger.Load(ctx, id)
		if err != nil {
			return nil, err
		}
		err = d.stop(ctx, who, inc, halt)
		switch {
		case err == nil:
			d.Log.InfoContext(ctx, "a person has stopped a plan", "incident", inc.Name(), "person", who.Name, "undo", halt.Undo, "why", inc.Why)
			return inc, nil
		case !errors.Is(err, d.Lost):
			d.note(ctx, who, inc, halt.verb(), err)
			return nil, err
		}
	}
	return nil, fmt.Errorf("record that %s stops the plan: others write about %s all the time", who.Name, id.Name())
}

// stop records that a person stops the plan of an incident as it is known.
func (d *Desk) stop(ctx context.Context, who people.Person, inc *incident.Incident, halt Halt) error {
	halt.Reason = policies.MaskedText(strings.TrimSpace(halt.Reason))
	if err := cmp.Or(halt.complete(inc), mayStop(who), stoppable(inc, halt)); err != nil {
		return err
	}
	plan := inc.Halting()
	rec := incident.Record{Kind: incident.Halted, At: inc.History[len(inc.History)-1].At, ViewSeq: inc.ViewSeq,
		Halt: &incident.Halt{Person: who.Name, Groups: who.Groups, Via: who.Via, Subject: who.Subject, Plan: plan.Digest, Undo: halt.Undo, Reason: halt.Reason}}
	rec.Text = stopSentence(inc, *rec.Halt)
	if err := d.authorizeStop(ctx, who, inc, halt, &rec); err != nil {
		return err
	}
	_, err := d.Ledger.AppendReleasing(ctx, inc, rec)
	return err
}

// authorizeStop asks policy, and has the record name what it said. Nobody is kept from stopping a plan: neither by a rule, nor because policy
// cannot be asked now. To take something back is to act, and that a rule can deny.
func (d *Desk) authorizeStop(ctx context.Context, who people.Person, inc *incident.Incident, halt Halt, rec *incident.Record) error {
	asked, at, err := d.Authorizer.Authorize(ctx, inc, policies.Person{Name: who.Name, Groups: nonNil(who.Groups), Role: who.Role.String(), Verb: halt.verb()})
	if err == nil && halt.Undo && asked.Decision.Verdict != policies.Act {
		return &Refusal{NotAuthorised, fmt.Sprintf("policy does not let %s take it back: %s", who.Name, recovery.Saying(asked.Decision)),
			"stop it, so that what was done stays: salvor stop " + inc.Name()}
	}
	var named []incident.Asked
	if err == nil {
		named, err = d.Ledger.Keep(ctx, inc, asked)
	}
	switch {
	case err == nil:
		rec.At, rec.ViewSeq, rec.Gate = asked.Question.Now, at, &named[0]
	case halt.Undo:
		return err
	default:
		d.Log.WarnContext(ctx, "a plan is stopped without policy being asked", "incident", inc.Name(), "person", who.Name, "error", err)
	}
	return nil
}

// complete says what is missing in a halt.
func (h Halt) complete(inc *incident.Incident) error {
	switch {
	case len(h.Plan) < leastPlan:
		return &Refusal{Incomplete, "it does not say which plan is meant", "name the plan that you see at work: salvor plan " + inc.Name()}
	case len([]rune(h.Reason)) > maxReason:
		return &Refusal{Incomplete, fmt.Sprintf("the reason has more than %d characters", maxReason), "shorten it"}
	}
	return nil
}

func mayStop(who people.Person) error {
	if err := who.May(people.Stop); err != nil {
		return &Refusal{NotAuthorised, err.Error(), "ask an admin of Salvor for the role: people in salvor.yaml"}
	}
	return nil
}

// stoppable says why there is nothing to stop.
func stoppable(inc *incident.Incident, halt Halt) error {
	plan := inc.Halting()
	switch why := inc.Halts(incident.Halt{Undo: halt.Undo}); {
	case plan == nil && inc.Asking() != nil:
		return &Refusal{NotAsked, "nothing is done yet: people are asked about it", fmt.Sprintf("reject it: salvor reject %s --plan %s --reason ...", inc.Name(), inc.Approval.Plan.ShortDigest())}
	case plan == nil && inc.Attempts > 0:
		return &Refusal{Decided, fmt.Sprintf("it is over, the last plan has ended: %s", inc.Why), look(inc)}
	case plan == nil:
		return &Refusal{NotAsked, "no plan is worked on: it is " + string(inc.State), "hold Salvor back before it begins one: salvor pause"}
	case why != nil:
		return &Refusal{SaidBefore, why.Error(), look(inc)}
	case !strings.HasPrefix(plan.Digest, halt.Plan):
		return &Refusal{PlanChanged, "plan " + plan.ShortDigest() + " is worked on by now", "look at it, and stop that one: salvor plan " + inc.Name()}
	}
	return nil
}

// stopSentence is what a halt comes to, for people.
func stopSentence(inc *incident.Incident, h incident.Halt) string {
	text := fmt.Sprintf("%s stopped plan %s %s", h.Person, inc.Halting().ShortDigest(), howFar(inc))
	switch {
	case inc.Stoppable() == nil:
		text = fmt.Sprintf("%s has what plan %s did taken back", h.Person, inc.Halting().ShortDigest())
	case h.Undo && !inc.Wrote:
		text += ", and nothing is to be taken back"
	case h.Undo:
		text += ", and has what was done taken back"
	case inc.Wrote:
		text += ", and what was done stays"
	}
	if h.Reason != "" {
		text += ": " + h.Reason
	}
	return text
}

// howFar is how far the plan has come that is stopped.
func howFar(inc *incident.Incident) string {
	switch {
	case !inc.Working():
		return "before it began"
	case inc.Intent != nil:
		return fmt.Sprintf("in step %d of %d", inc.Next+1, len(inc.Plan.Steps))
	case inc.State == incident.Verifying:
		return "after its last step, before it was verified"
	}
	return fmt.Sprintf("after step %d of %d", inc.Next, len(inc.Plan.Steps))
}
