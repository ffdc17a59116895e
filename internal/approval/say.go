package approval

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/internal/recovery"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// The bounds of what a person says.
const (
	leastPlan = 4   // digits of a plan's digest
	maxReason = 500 // characters
)

// say records what a person says about an incident as it is known, once it is seen that it counts.
func (d *Desk) say(ctx context.Context, who people.Person, inc *incident.Incident, said Said) error {
	said.Reason = policies.MaskedText(strings.TrimSpace(said.Reason))
	if err := cmp.Or(said.complete(inc), open(inc)); err != nil {
		return err
	}
	ballot := incident.Ballot{Person: who.Name, Groups: who.Groups, Via: who.Via, Subject: who.Subject, Says: said.Voice, Plan: inc.Approval.Plan.Digest, Reason: said.Reason}
	if err := cmp.Or(changed(inc, said.Plan), counts(inc, who, ballot)); err != nil {
		return err
	}
	asked, at, err := d.Authorizer.Authorize(ctx, inc, policies.Person{Name: who.Name, Groups: nonNil(who.Groups), Role: who.Role.String(), Verb: string(said.Voice)})
	if err != nil {
		return err
	}
	if err := allowed(inc, who, said, asked, d.Policy.Signer()); err != nil {
		return err
	}
	_, err = d.Ledger.AppendAsked(ctx, inc, incident.Record{Kind: incident.Voted, At: asked.Question.Now, ViewSeq: at, Ballot: &ballot, Text: sentence(inc, ballot)}, asked)
	return err
}

// declared says that it was this person who declared the fault: by their name, or by who they are to an identity provider, whatever name they
// have there by now.
func declared(who people.Person, asked recovery.Stored) bool {
	return strings.EqualFold(asked.Question.Incident.Declared, who.Name) || asked.Declarer != "" && asked.Declarer == who.Subject
}

// allowed says why a person may not say it now, by what policy was asked and answered. Who only holds Salvor back is never denied that: rules
// that deny the plan itself would. Signer is who signed these rules, if anybody.
func allowed(inc *incident.Incident, who people.Person, said Said, asked recovery.Stored, signer string) error {
	call := "call somebody else who is asked: " + inc.Approval.Whom().Whom()
	switch {
	case said.Voice == incident.Approve && asked.Decision.Verdict != policies.Act:
		return &Refusal{NotAuthorised, fmt.Sprintf("policy does not let %s %s it: %s", who.Name, said.Voice, recovery.Saying(asked.Decision)), call}
	case said.Voice == incident.Approve && declared(who, asked):
		return &Refusal{NotAuthorised, who.Name + " has declared the fault, and who asks for something does not approve of it", call}
	case said.Voice == incident.Approve && signer != "" && strings.EqualFold(signer, who.Name):
		return &Refusal{NotAuthorised, who.Name + " signed the rules in force, and who writes the rules does not approve of what they let run", call}
	case !asked.Question.Now.Before(inc.Approval.Until):
		return &Refusal{TooLate, "the time to answer was over at " + clock(inc.Approval.Until), look(inc)}
	}
	return nil
}

// sentence is what a ballot says, for people.
func sentence(inc *incident.Incident, b incident.Ballot) string {
	text := ""
	switch b.Says {
	case incident.Approve:
		text = fmt.Sprintf("%s approved plan %s", b.Person, inc.Approval.Plan.ShortDigest())
	case incident.Reject:
		text = fmt.Sprintf("%s rejected plan %s", b.Person, inc.Approval.Plan.ShortDigest())
	case incident.Hold:
		text = fmt.Sprintf("%s is on it: %s more to decide, and nobody else is asked meanwhile", b.Person, incident.HoldFor)
	}
	if b.Reason != "" {
		text += ": " + b.Reason
	}
	return text
}

// complete says what is missing in what was said.
func (s Said) complete(inc *incident.Incident) error {
	switch {
	case !slices.Contains(incident.Voices(), s.Voice):
		return &Refusal{Incomplete, fmt.Sprintf("nobody knows what it means to say %q", s.Voice), "say one of " + voices()}
	case len(s.Plan) < leastPlan:
		return &Refusal{Incomplete, "it does not say which plan is meant", "name the plan that you were shown: salvor plan " + inc.Name()}
	case s.Voice == incident.Reject && s.Reason == "":
		return &Refusal{Incomplete, "a rejection needs a reason, for whoever goes on", "say why: --reason"}
	case len([]rune(s.Reason)) > maxReason:
		return &Refusal{Incomplete, fmt.Sprintf("the reason has more than %d characters", maxReason), "shorten it"}
	}
	return nil
}

func voices() string {
	var names []string
	for _, v := range incident.Voices() {
		names = append(names, string(v))
	}
	return strings.Join(names, ", ")
}

// open says why nobody is asked now.
func open(inc *incident.Incident) error {
	if inc.Asking() != nil {
		return nil
	}
	for _, rec := range slices.Backward(inc.History) {
		at := clock(rec.At)
		switch {
		case rec.Kind == incident.Voted, rec.Kind == incident.Halted, rec.Kind == incident.Handed, rec.Kind == incident.Cleared, rec.Kind == incident.Closed:
			return &Refusal{Decided, fmt.Sprintf("it is decided since %s: %s", at, rec.Text), look(inc)}
		case rec.Kind == incident.Expired:
			return &Refusal{TooLate, "the time to answer was over at " + at, look(inc)}
		case rec.Kind == incident.Decided && !rec.Decided.Agreed:
			return &Refusal{NotAsked, fmt.Sprintf("nobody is asked about it: it is %s", inc.State), look(inc)}
		}
	}
	return &Refusal{NotAsked, fmt.Sprintf("nobody is asked about it: it is %s", inc.State), look(inc)}
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05 UTC") }

func look(inc *incident.Incident) string {
	return "see where it stands: salvor incidents show " + inc.Name()
}

// changed says that another plan is asked about than the one that was meant.
func changed(inc *incident.Incident, plan string) error {
	if strings.HasPrefix(inc.Approval.Plan.Digest, plan) {
		return ambiguous(inc, inc.Approval.Plan, plan)
	}
	why := "plan " + inc.Approval.Plan.ShortDigest() + " is asked about by now"
	if len(inc.Decision.Worse) > 0 {
		why += ", which goes beyond the one before: " + strings.Join(inc.Decision.Worse, "; ")
	}
	return &Refusal{PlanChanged, why, "look at it, and say it of that one: salvor plan " + inc.Name()}
}

// ambiguous says that the first digits of a plan are those of another one, too, that was decided about before: whoever can bring a plan about can
// look for one that begins like the one that people were shown.
func ambiguous(inc *incident.Incident, meant *responders.Plan, plan string) error {
	other := func(rec incident.Sequenced) bool {
		return rec.Decided != nil && rec.Decided.Plan != nil && rec.Decided.Plan.Digest != meant.Digest && strings.HasPrefix(rec.Decided.Plan.Digest, plan)
	}
	if !slices.ContainsFunc(inc.History, other) {
		return nil
	}
	return &Refusal{Incomplete, fmt.Sprintf("more than one plan of this incident begins with %s", plan), "look at it, and name it in full: --plan " + meant.Digest}
}

// counts says why a ballot would not count.
func counts(inc *incident.Incident, who people.Person, b incident.Ballot) error {
	a := inc.Approval
	if err := who.May(people.Vote); err != nil {
		return &Refusal{NotAuthorised, err.Error(), "ask an admin of Salvor for the role: people in salvor.yaml"}
	}
	switch {
	case !a.Counts(b):
		return &Refusal{NotAuthorised, fmt.Sprintf("%s is not one of those who are asked", who.Name), "call one of them: " + a.Whom().Whom()}
	case b.Says == incident.Approve && a.HasApproved(b):
		return &Refusal{SaidBefore, who.Name + " has approved already", "call another one: " + a.Whom().Whom()}
	case b.Says == incident.Hold && a.HeldBy != "":
		return &Refusal{SaidBefore, fmt.Sprintf("%s is on it until %s, and that can be said once", a.HeldBy, clock(a.HeldUntil)), look(inc)}
	}
	return nil
}

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
