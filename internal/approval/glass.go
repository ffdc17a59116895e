package approval

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/policies"
)

// Break is that a person wants the plan that is held back to run although there is no policy.
type Break struct {
	Plan   string // the digest of the plan that they were shown, or its first digits: at least four
	Reason string
}

// leastReason is how many characters the reason has at least, so that somebody typed one.
const leastReason = 20

// BreakGlass records that a person who is named for that wants a plan to run though policy cannot decide, for want of any, and returns the incident
// after it. The first such person asks; a second one within incident.BreakWithin has it run. It is refused while there is policy. What is set
// aside is the answer of policy alone: mode, brakes, guards and proofs hold on. A *Refusal says why it does not count.
func (d *Desk) BreakGlass(ctx context.Context, who people.Person, id incident.ID, b Break) (*incident.Incident, error) {
	for range tries {
		inc, err := d.Ledger.Load(ctx, id)
		if err != nil {
			return nil, err
		}
		err = d.breakGlass(ctx, who, inc, b)
		switch {
		case err == nil:
			d.Log.ErrorContext(ctx, inc.Why, "incident", inc.Name(), "person", who.Name, "plan", inc.Glass.Plan.ShortDigest(), "people", len(inc.Glass.By))
			return inc, nil
		case !errors.Is(err, d.Lost):
			d.note(ctx, who, inc, "break the glass", err)
			return nil, err
		}
	}
	return nil, fmt.Errorf("record that %s breaks the glass: others write about %s all the time", who.Name, id.Name())
}

func (d *Desk) breakGlass(ctx context.Context, who people.Person, inc *incident.Incident, b Break) error {
	b.Reason = policies.MaskedText(strings.TrimSpace(b.Reason))
	if err := cmp.Or(b.complete(inc), d.mayBreak(who), d.breakable(inc, b)); err != nil {
		return err
	}
	rec := incident.Record{Kind: incident.Broke, Break: &incident.Break{Person: who.Name, Groups: who.Groups, Via: who.Via, Subject: who.Subject, Plan: inc.Decision.Plan.Digest, Reason: b.Reason}}
	asked, at, err := d.Authorizer.Authorize(ctx, inc, policies.Person{Name: who.Name, Groups: nonNil(who.Groups), Role: who.Role.String(), Verb: "break-glass"})
	switch {
	case err != nil:
		return err
	case !asked.Decision.Missing():
		return policyWorks(inc)
	}
	if err := inc.Breaks(*rec.Break, asked.Question.Now); err != nil {
		return &Refusal{SaidBefore, err.Error(), "call another one of " + strings.Join(d.Breakers, ", ")}
	}
	rec.At, rec.ViewSeq, rec.Text = asked.Question.Now, at, d.glassSentence(inc, rec)
	_, err = d.Ledger.AppendAsked(ctx, inc, rec, asked)
	return err
}

func policyWorks(inc *incident.Incident) error {
	return &Refusal{NotAsked, "policy works, and what it says counts", "salvor approve " + inc.Name() + ", once people are asked"}
}

// complete says what is missing.
func (b Break) complete(inc *incident.Incident) error {
	switch length := len([]rune(b.Reason)); {
	case len(b.Plan) < leastPlan:
		return &Refusal{Incomplete, "it does not say which plan is meant", "name the plan that you were shown: salvor plan " + inc.Name()}
	case length < leastReason:
		return &Refusal{Incomplete, fmt.Sprintf("the reason has %d characters, and for this at least %d are needed", length, leastReason), "say why: --reason"}
	case length > maxReason:
		return &Refusal{Incomplete, fmt.Sprintf("the reason has more than %d characters", maxReason), "shorten it"}
	}
	return nil
}

// mayBreak says why a person may not break the glass.
func (d *Desk) mayBreak(who people.Person) error {
	if err := who.May(people.Break); err != nil {
		return &Refusal{NotAuthorised, err.Error(), "ask an admin of Salvor for the role: people in salvor.yaml"}
	}
	if !slices.ContainsFunc(d.Breakers, func(name string) bool { return strings.EqualFold(name, who.Name) }) {
		return &Refusal{NotAuthorised, who.Name + " is not one of those who may act without policy", "call them: break_glass in salvor.yaml names " + cmp.Or(strings.Join(d.Breakers, ", "), "nobody")}
	}
	return nil
}

// breakable says why the plan cannot be let run without policy.
func (d *Desk) breakable(inc *incident.Incident, b Break) error {
	decision := inc.Decision
	switch {
	case inc.State != incident.Held || decision == nil || decision.Plan == nil:
		return &Refusal{NotAsked, "no plan is held back: it is " + string(inc.State), look(inc)}
	case !decision.Answer.Missing():
		return policyWorks(inc)
	case !strings.HasPrefix(decision.Plan.Digest, b.Plan):
		return &Refusal{PlanChanged, "plan " + decision.Plan.ShortDigest() + " is the one that is held back by now", "look at it, and say it of that one: salvor plan " + inc.Name()}
	case !decision.Answer.Breakable():
		return &Refusal{NotAsked, "something else holds it back, too, and that is not set aside: " + others(decision.Answer), look(inc)}
	}
	return ambiguous(inc, decision.Plan, b.Plan)
}

// others is what holds a plan back beside the want of policy, which comes first.
func others(d policies.Decision) string {
	var texts []string
	for _, why := range d.Held[1:] {
		texts = append(texts, why.Text)
	}
	return strings.Join(texts, "; ")
}

// glassSentence is what a break comes to, for people.
func (d *Desk) glassSentence(inc *incident.Incident, rec incident.Record) string {
	plan := inc.Decision.Plan.ShortDigest()
	if next, _ := inc.Leads(rec); next == incident.Deciding {
		return fmt.Sprintf("BROKEN GLASS: %s and %s let plan %s run without policy: %s", inc.Glass.By[0].Person, rec.Break.Person, plan, rec.Break.Reason)
	}
	return fmt.Sprintf("BROKEN GLASS: %s wants plan %s to run without policy; another of %s has to say so within %.0f minutes: %s",
		rec.Break.Person, plan, strings.Join(d.Breakers, ", "), incident.BreakWithin.Minutes(), rec.Break.Reason)
}
