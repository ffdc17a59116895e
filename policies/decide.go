package policies

import (
	"context"
	"fmt"
)

// Judge is the Decider: it asks the engine, combines, and tightens. Without an answer of the engine it denies.
type Judge struct{ Engine Engine }

// Decide answers a question about a plan or a step. The error of a broken engine comes back beside a decision that denies,
// so that the refusal can be stored with its reason.
func (j Judge) Decide(ctx context.Context, q Question) (Decision, error) {
	said, err := j.Engine.Ask(ctx, q)
	if err != nil {
		return Silent(err), fmt.Errorf("ask policy about %s: %w", q.Fault.Anchor, err)
	}
	return Settle(said, q), nil
}

// Silent is the decision when policy could not be asked.
func Silent(err error) Decision {
	return Decision{Verdict: Deny, Would: Deny, Reasons: []Reason{}, Held: []Reason{
		{Text: "policy could not be asked, so nothing is done: " + err.Error(), Rule: "engine"}}}
}

// Settle turns what was said into the decision. Each step after Combine can only tighten.
func Settle(said Said, q Question) Decision {
	d := unheld(said, q)
	if d.Would == Deny {
		return d.Decision
	}
	d = d.byMode(q.Mode)
	for _, why := range Brakes(q) {
		d = d.hold(why)
	}
	return d.Decision
}

// Unheld is the decision as it would be if neither the mode nor a brake held it back.
func Unheld(said Said, q Question) Decision { return unheld(said, q).Decision }

func unheld(said Said, q Question) tightened {
	d := tightened{Combine(said), said.whom()}.byClass(q.Plan.Class)
	d.Would = d.Verdict
	if d.Verdict == Deny {
		return d
	}
	return d.byUnknown(q.Unknown).bySource(q.Fault)
}
