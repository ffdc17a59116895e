package timeline

import (
	"fmt"
	"strings"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Planned is a plan with where it stands.
type Planned struct {
	Incident string // short name
	Anchor   string
	Cluster  string
	Phase    incident.Phase
	InForce  bool
	Done     int // steps
	Plan     responders.Plan
	Answer   policies.Decision
}

// Plan renders what a plan will do to which targets, what policy said of it, and the commands that a person would type.
func Plan(p Planned) string {
	var out strings.Builder
	fmt.Fprintf(&out, "plan %s for %s  %s  %s%s\n", p.Plan.ShortDigest(), Plain(p.Incident), Plain(p.Anchor), Plain(p.Cluster), progress(p))
	for _, line := range planned(&incident.Decision{Phase: p.Phase, Plan: &p.Plan})[1:] {
		out.WriteString(line + "\n")
	}
	proposal := p.Plan.Proposal()
	fmt.Fprintf(&out, "runbook %s, %s, %s, data loss: %s\n", Plain(proposal.Runbook), proposal.Class, Expected(proposal.DurationS), lossOf(proposal))
	fmt.Fprintf(&out, "policy  %s\n", Verdict(p.Answer))
	for _, r := range p.Answer.Reasons {
		fmt.Fprintf(&out, "        %s\n", reason(r))
	}
	for _, why := range p.Answer.Held {
		fmt.Fprintf(&out, "held back because %s\n", Plain(why.Text))
	}
	for i, step := range p.Plan.Steps {
		writeStep(&out, p, i, step)
	}
	for _, c := range p.Plan.Checks {
		fmt.Fprintf(&out, "then  %s: %s", Plain(c.Name), Plain(strings.Join(c.Change.Will, "; ")))
		if !c.Change.Nothing {
			fmt.Fprintf(&out, ", must hold for %s", Lasting(inSeconds(c.SettleS)))
		}
		out.WriteByte('\n')
	}
	return out.String()
}

func progress(p Planned) string {
	switch {
	case p.InForce && p.Done < len(p.Plan.Steps):
		return fmt.Sprintf("  IN FORCE, step %d/%d", p.Done+1, len(p.Plan.Steps))
	case p.InForce:
		return "  IN FORCE, being verified"
	case p.Done > 0:
		return fmt.Sprintf("  ended after %d of %s", p.Done, counted(len(p.Plan.Steps), "step"))
	}
	return "  not started"
}

// Expected is how long a plan is expected to take, for people.
func Expected(seconds float64) string {
	if seconds <= 0 {
		return "duration not known"
	}
	return "about " + Lasting(inSeconds(seconds))
}

func lossOf(p policies.Proposal) string {
	if p.DataLoss == "" {
		return "none expected"
	}
	return Plain(p.DataLoss)
}

func writeStep(out *strings.Builder, p Planned, i int, step responders.Step) {
	state := ""
	switch {
	case i < p.Done:
		state = "  done"
	case step.Change.Nothing:
		state = "  it is so already"
	}
	fmt.Fprintf(out, "%3d  %s (%s, %s) on %s%s\n", i+1, Plain(step.Name), Plain(step.Change.Responder), step.Change.Class, Targeted(step.Change.Targets), state)
	for _, will := range step.Change.Will {
		fmt.Fprintf(out, "     %s\n", Plain(will))
	}
	if step.Change.Command != "" {
		for _, line := range strings.Split(step.Change.Command, "\n") {
			fmt.Fprintf(out, "     $ %s\n", Plain(line))
		}
	}
}
