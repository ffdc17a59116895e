package responders

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/salvor-io/salvor/policies"
)

// Plan is a runbook resolved against the world: what will be done, in order, and how its end is verified.
type Plan struct {
	Runbook string  `json:"runbook"`
	Cluster string  `json:"cluster"`
	Steps   []Step  `json:"steps"`
	Checks  []Check `json:"checks"`          // all must verify for the plan to have worked
	Lasts   bool    `json:"lasts,omitempty"` // its runbook says no way back: nothing of what it does is taken back
	Digest  string  `json:"digest"`          // over everything else, hex
}

// Step is one step of a plan.
type Step struct {
	Name      string    `json:"name"`
	DeadlineS float64   `json:"deadline_s"` // for Apply and the world's agreement together
	OnFailure OnFailure `json:"on_failure"`
	Change    Change    `json:"change"`
}

// Check is one verification at the end of a plan.
type Check struct {
	Name      string  `json:"name"`
	SettleS   float64 `json:"settle_s"`   // it must hold this long without a break
	DeadlineS float64 `json:"deadline_s"` // by when it must have held
	Change    Change  `json:"change"`     // what a verify-only responder pinned
}

// OnFailure says what a plan does when a step fails.
type OnFailure string

// The ways to go on. Stop is the default: what was done stays, the checks say how far it helped, a person takes over.
const (
	OnFailureStop     OnFailure = "stop"
	OnFailureContinue OnFailure = "continue"
)

// Seal computes the digest and returns the plan with it.
func (p Plan) Seal() (Plan, error) {
	p.Digest = ""
	raw, err := json.Marshal(p)
	if err != nil {
		return Plan{}, fmt.Errorf("seal plan of runbook %s: %w", p.Runbook, err)
	}
	sum := sha256.Sum256(raw)
	p.Digest = hex.EncodeToString(sum[:])
	return p, nil
}

// ShortDigest is the plan's name for people: the first six hex digits.
func (p Plan) ShortDigest() string { return p.Digest[:min(6, len(p.Digest))] }

// Class is the highest class of the plan's steps.
func (p Plan) Class() policies.Class {
	class := policies.Observe
	for _, step := range p.Steps {
		class = max(class, step.Change.Class)
	}
	return class
}

// Targets are the distinct targets of all steps, in the order of their first appearance.
func (p Plan) Targets() []policies.Target {
	var all []policies.Target
	for _, step := range p.Steps {
		for _, target := range step.Change.Targets {
			if !slices.Contains(all, target) {
				all = append(all, target)
			}
		}
	}
	return all
}

// Proposal renders the plan as policy and people see it.
func (p Plan) Proposal() policies.Proposal {
	out := policies.Proposal{Runbook: p.Runbook, Digest: p.Digest, Class: p.Class(), Targets: p.Targets(),
		Steps: []policies.ProposedStep{}, Warnings: []string{}}
	if point := p.Point(); point != nil {
		out.RecoveryPoint = policies.RecoveryPoint{Name: point.Name, At: point.At.UTC().Format(time.RFC3339)}
	}
	for _, step := range p.Steps {
		out.DurationS += step.Change.DurationS
		out.Warnings = append(out.Warnings, step.Change.Warnings...)
		if out.DataLoss == "" {
			out.DataLoss = step.Change.DataLoss
		}
		out.Steps = append(out.Steps, policies.ProposedStep{Name: step.Name, Responder: step.Change.Responder,
			Class: step.Change.Class, Targets: step.Change.Targets, Will: step.Change.Will, Command: step.Change.Command})
	}
	return out
}
