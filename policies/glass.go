package policies

import (
	"errors"
	"fmt"
	"slices"
)

// ErrNone is what an engine answers while it has no policy at all that it could be asked. Nothing but that lets people act without policy.
var ErrNone = errors.New("there is no policy that can be used")

// withoutPolicy is the rule of a decision that denies for want of policy.
const withoutPolicy = "no policy"

// Missing says that a decision denies for want of policy, whatever else holds the plan back.
func (d Decision) Missing() bool {
	return slices.ContainsFunc(d.Held, func(r Reason) bool { return r.Rule == withoutPolicy })
}

// Breakable says that a decision denies for want of policy and for nothing else: neither the mode nor a brake holds the plan back, too.
// Then two people who are named for that may let the plan run.
func (d Decision) Breakable() bool { return d.Missing() && len(d.Held) == 1 }

// heldAnyway is what holds a plan back that no policy judges: a mode in which nothing is done, and the brakes.
func heldAnyway(q Question) []Reason {
	if q.About == AboutAuthorize {
		return nil
	}
	held := Brakes(q)
	if q.Mode < ModeAsk {
		held = append([]Reason{{Text: fmt.Sprintf("the mode is %s: nothing is done", q.Mode), Rule: "mode"}}, held...)
	}
	return held
}
