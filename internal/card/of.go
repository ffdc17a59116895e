package card

import (
	"fmt"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/timeline"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Words are what a card says and no record does. What is empty is left out.
type Words struct {
	Severity string // "SEV1"
	Sentence string // the fault as it is seen now
	Progress string // how far the step is that is being done: "12 of 38 workloads"
}

// Of is the card of an incident as its record stands. The same record and words give the same card.
func Of(inc *incident.Incident, w Words) Card {
	plan := planOf(inc)
	c := Card{
		Incident: inc.ID, Name: inc.Name(), Seq: inc.Seq, Stage: stageOf(inc), Title: title(inc, plan), Cluster: name(inc.Key.Cluster), Severity: name(w.Severity),
		State: clip(stateOf(inc)), Facts: facts(inc, plan, w), Steps: steps(inc, plan, w), Ask: asked(inc), Verbs: verbs(inc),
		Command: timeline.Next(timeline.Case{Incident: inc}), Log: log(inc),
	}
	if plan != nil {
		c.Plan = plan.Digest
	}
	if halting := inc.Halting(); halting != nil && c.Ask == nil {
		c.Plan = halting.Digest
	}
	c.Push = push(c, plan)
	return c
}

// Worth says that there is something to tell: the fault counted as one at least once. Those that stood when Salvor first looked concern nobody
// until they change.
func Worth(inc *incident.Incident) bool { return !inc.ConfirmedAt().IsZero() }

// planOf is the plan that the card is about: the one that is asked about, worked on, or was decided about last.
func planOf(inc *incident.Incident) *responders.Plan {
	if a := inc.Asking(); a != nil {
		return a.Plan
	}
	if inc.Plan != nil {
		return inc.Plan
	}
	for _, rec := range slices.Backward(inc.History) {
		if rec.Decided != nil && rec.Decided.Plan != nil {
			return rec.Decided.Plan
		}
	}
	return nil
}

func stageOf(inc *incident.Incident) Stage {
	switch {
	case inc.Asking() != nil:
		return Asking
	case inc.NeedsPerson():
		return Waiting
	case inc.Working(), inc.State == incident.Deciding && inc.Consent != nil:
		return Running
	case inc.State == incident.Recovered, inc.State == incident.Clearing, inc.State == incident.Ended:
		return Over
	}
	return Watching
}

// verbs are what the desk takes where the incident stands.
func verbs(inc *incident.Incident) []Verb {
	a := inc.Asking()
	if a == nil {
		return stops(inc)
	}
	if a.HeldBy != "" {
		return []Verb{Approve, Reject}
	}
	return []Verb{Approve, Reject, Hold}
}

// stops are the ways in which the plan that is worked on can be ended now.
func stops(inc *incident.Incident) []Verb {
	var out []Verb
	if inc.Halting() == nil {
		return nil
	}
	if inc.Halts(incident.Halt{}) == nil {
		out = append(out, Stop)
	}
	if inc.Halts(incident.Halt{Undo: true}) == nil {
		out = append(out, StopAndUndo)
	}
	return out
}

// doings are how plans of the shipped runbooks are called, by what they do.
var doings = map[string]string{
	"node-failure": "Recover node", "node-displace": "Move work off node",
	"zone-failure": "Evacuate zone", "zone-evacuation": "Evacuate zone", "zone-return": "Return to zone",
}

// title is what the plan does to what; of an incident without a plan it is what is broken.
func title(inc *incident.Incident, plan *responders.Plan) string {
	anchor, about := name(inc.Fault.Anchor.Name), name(timeline.About(inc))
	switch {
	case plan == nil:
		return "Broken: " + about
	case undoes(inc, plan):
		return "Take back what was done about " + about
	case doings[plan.Runbook] != "":
		return doings[plan.Runbook] + " " + anchor
	}
	return name(plan.Runbook) + " of " + about
}

// undoes says that a plan takes back what another one did.
func undoes(inc *incident.Incident, plan *responders.Plan) bool {
	for _, rec := range slices.Backward(inc.History) {
		if d := rec.Decided; d != nil && d.Plan != nil && d.Plan.Digest == plan.Digest {
			return d.Phase == incident.PhaseUndo
		}
	}
	return false
}

// push is what a locked phone shows: enough to know whether to get up.
func push(c Card, plan *responders.Plan) string {
	if c.Ask == nil || plan == nil {
		return fmt.Sprintf("%s, %s: %s", c.Title, c.Cluster, c.State)
	}
	loss := "No data loss expected."
	if lost := losses(plan); len(lost) > 0 {
		loss = fmt.Sprintf("LOSES %s.", strings.Join(lost, "; "))
	}
	return fmt.Sprintf("APPROVE? %s, %s. %s By %s", c.Title, c.Cluster, clip(loss), c.Ask.Until.UTC().Format("15:04 UTC"))
}

func losses(plan *responders.Plan) []string {
	var all []string
	for _, step := range plan.Steps {
		if lost := clip(step.Change.DataLoss); lost != "" && !slices.Contains(all, lost) {
			all = append(all, lost)
		}
	}
	return all
}

// asked is who is asked now, and what they said so far.
func asked(inc *incident.Incident) *Ask {
	a := inc.Asking()
	if a == nil {
		return nil
	}
	ask := &Ask{Whom: clip(a.Whom().Whom()), Groups: groups(a.Whom()), Votes: votes(inc, a), Lacks: a.Lacks().People, Until: a.Until, Then: "then a person takes over"}
	if inc.Decision != nil {
		ask.Worse = clipAll(inc.Decision.Worse)
	}
	if others := a.StandIns(); len(others) > 0 {
		ask.Then = "then " + clip(strings.Join(others, " or "))
	}
	if a.HeldBy != "" {
		ask.Held = fmt.Sprintf("%s is on it until %s", clip(a.HeldBy), a.HeldUntil.UTC().Format("15:04 UTC"))
	}
	if a.Plan.Class() >= policies.Irreversible {
		ask.Type = inc.Key.Cluster
	}
	return ask
}

func groups(asks policies.Asks) []string {
	var all []string
	for _, need := range asks.Needs {
		all = append(all, need.Groups...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// votes are the approvals that count, each with when it was recorded.
func votes(inc *incident.Incident, a *incident.Approval) []Vote {
	var out []Vote
	for _, b := range a.Ballots {
		v := Vote{Person: clip(b.Person), Says: "approves", Via: Via(b.Via)}
		if b.Reason != "" {
			v.Says += ": " + clip(b.Reason)
		}
		for _, rec := range inc.History {
			if rec.Ballot != nil && rec.Ballot.Person == b.Person && rec.Ballot.Says == b.Says {
				v.At = timeline.When(rec)
			}
		}
		out = append(out, v)
	}
	return out
}

// Via is how people call the way in which somebody spoke.
func Via(via string) string {
	switch via {
	case "token", "socket":
		return "CLI"
	case "slack":
		return "Slack"
	}
	return clip(via)
}

func log(inc *incident.Incident) []Line {
	var teller timeline.Lines
	out := make([]Line, 0, len(inc.History))
	for _, rec := range inc.History {
		if text := teller.Text(rec); text != "" {
			out = append(out, Line{Seq: rec.Seq, At: timeline.When(rec), Text: clip(text)})
		}
	}
	return out
}
