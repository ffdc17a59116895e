package policies

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Judge is the Decider: it asks the engine, combines, and tightens. Without an answer of the engine it denies.
type Judge struct{ Engine Engine }

// Decide answers a question about a plan or a step. The error of a broken engine comes back beside a decision that denies,
// so that the refusal can be stored with its reason.
func (j Judge) Decide(ctx context.Context, q Question) (Decision, error) {
	said, err := j.Engine.Ask(ctx, q)
	if err != nil {
		d := Silent(err)
		if d.Missing() {
			d.Held = append(d.Held, heldAnyway(q)...)
		}
		return d, fmt.Errorf("ask policy about %s: %w", q.Fault.Anchor, err)
	}
	return Settle(said, q), nil
}

// Silent is the decision when policy could not be asked.
func Silent(err error) Decision {
	rule := "engine"
	if errors.Is(err, ErrNone) {
		rule = withoutPolicy
	}
	return Decision{Verdict: Deny, Would: Deny, Reasons: []Reason{}, Held: []Reason{
		{Text: "policy could not be asked, so nothing is done: " + err.Error(), Rule: rule}}}
}

// Settle turns what was said into the decision. Each stage after the first, which combines what the rules said, can only tighten.
func Settle(said Said, q Question) Decision { return goThrough(wayOf(q, stages), said, q) }

// Unheld is the decision as it would be if neither the mode nor a brake held it back.
func Unheld(said Said, q Question) Decision { return goThrough(wayOf(q, judgements), said, q) }

// wayOf is the way of a question about a plan, and that of one about a person: what a person may do depends on neither the mode nor what
// is known, and nobody is asked about it.
func wayOf(q Question, ofPlans []stage) []stage {
	if q.About == AboutAuthorize {
		return authorizing
	}
	return ofPlans
}

var authorizing = []stage{{"rules", func(d tightened, said Said, _ Question) tightened {
	d.Decision = Decision{Verdict: Act, Would: Act, Revision: said.Revision, Reasons: []Reason{}, Held: []Reason{}}
	if len(said.Deny) > 0 {
		d.Verdict, d.Would, d.Reasons = Deny, Deny, slices.Clone(said.Deny)
	}
	return d
}}}

func goThrough(way []stage, said Said, q Question) Decision {
	d := tightened{whom: said.whom()}
	for _, s := range way {
		d = s.next(d, said, q)
	}
	return d.Decision
}

// stage is one step on the way from what was said to the decision.
type stage struct {
	name string
	next func(d tightened, said Said, q Question) tightened
}

// judgements are those that judge the plan and what is known. What comes after class does not change what a decision would be.
var judgements = []stage{
	{"rules", func(d tightened, said Said, _ Question) tightened { d.Decision = Combine(said); return d }},
	{"class", func(d tightened, _ Said, q Question) tightened {
		d = d.byClass(q.Plan.Class)
		d.Would = d.Verdict
		return d
	}},
	later("unknown", func(d tightened, q Question) tightened { return d.byUnknown(q) }),
	later("single source", func(d tightened, q Question) tightened { return d.bySource(q) }),
}

// stages are all of them, in order.
var stages = append(slices.Clone(judgements), holds()...)

// holds are those that hold back what may be done: the mode, and brakes.
func holds() []stage {
	all := []stage{later("mode", func(d tightened, q Question) tightened { return d.byMode(q.Mode) })}
	for _, b := range brakes {
		all = append(all, later(b.name, func(d tightened, q Question) tightened {
			if why := b.why(q); why != "" {
				return d.hold(Reason{Text: why, Rule: b.name})
			}
			return d
		}))
	}
	return all
}

// later is a stage that has nothing to add where rules or class deny.
func later(name string, next func(tightened, Question) tightened) stage {
	return stage{name, func(d tightened, _ Said, q Question) tightened {
		if d.Would == Deny {
			return d
		}
		return next(d, q)
	}}
}
