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

// facts are the rows of a card: what is broken, what acting costs, and what of it nobody may overlook.
func facts(inc *incident.Incident, plan *responders.Plan, w Words) []Fact {
	all := []Fact{{Label: "Broke", Lines: broke(inc, w)}}
	if plan != nil {
		all = append(all, Fact{Label: "Cost", Lines: cost(inc, plan)}, Fact{Label: "Loses", Lines: losses(plan), Grave: true})
		all = append(all, told(plan)...)
		all = append(all, Fact{Label: "Accept", Lines: warnings(plan), Grave: true})
	}
	all = append(all, Fact{Label: "Still down", Lines: clipAll(timeline.StillDown(inc)), Grave: true}, Fact{Label: "Why", Lines: why(inc)})
	return slices.DeleteFunc(all, func(f Fact) bool { return len(f.Lines) == 0 })
}

// told are the facts that the steps and checks of a plan tell, those of one label together: what moves, what stays down, how much room is left.
func told(plan *responders.Plan) []Fact {
	var all []Fact
	for _, f := range plan.Facts() {
		at := slices.IndexFunc(all, func(known Fact) bool { return known.Label == name(f.Label) })
		if at < 0 {
			at, all = len(all), append(all, Fact{Label: name(f.Label)})
		}
		all[at].Grave = all[at].Grave || f.Grave
		all[at].Lines = append(all[at].Lines, linesOf(f)...)
	}
	for i := range all {
		all[i].Lines = bounded(slices.Compact(all[i].Lines))
	}
	return all
}

// linesOf is what a fact says: of how many things, where it counts them, before what it says of each.
func linesOf(f responders.Fact) []string {
	var lines []string
	for _, line := range f.Lines {
		lines = append(lines, clip(line))
	}
	if f.Count > 1 || f.Count == 1 && len(lines) == 0 {
		lines = append([]string{fmt.Sprintf("%d in all", f.Count)}, lines...)
	}
	return lines
}

// broke is the fault as it is seen now while it lives, as it was recorded otherwise, and who agrees.
func broke(inc *incident.Incident, w Words) []string {
	sentence := inc.Fault.Sentence
	if w.Sentence != "" && inc.Live() {
		sentence = w.Sentence
	}
	out := []string{clip(sentence)}
	if agree, of := inc.Fault.Agreement(); of > 0 {
		out = append(out, timeline.Agreement(agree, of))
	}
	return out
}

// cost is how long the plan takes, as far as that is known, and whether what it does can be taken back.
func cost(inc *incident.Incident, plan *responders.Plan) []string {
	p := plan.Proposal()
	took := timeline.Expected(p.DurationS)
	if p.DurationS > 0 {
		took += " (estimate)"
	}
	out := []string{took}
	if len(losses(plan)) == 0 {
		out = append(out, "no data loss expected")
	}
	if undoes(inc, plan) {
		return out
	}
	return append(out, takenBack[p.Class])
}

// takenBack says of each class how much of it can be taken back.
var takenBack = map[policies.Class]string{
	policies.Observe:      "changes nothing",
	policies.Reversible:   "can be undone",
	policies.Disruptive:   "can be undone, but for what is interrupted meanwhile",
	policies.Destructive:  "destructive: not all of it can be undone",
	policies.Irreversible: "CANNOT BE UNDONE",
}

func warnings(plan *responders.Plan) []string {
	var all []string
	for _, text := range plan.Proposal().Warnings {
		if text := clip(text); !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return bounded(all)
}

// why says why people are asked, why nothing is done, or why a person has to go on.
func why(inc *incident.Incident) []string {
	d := inc.Decision
	switch {
	case inc.State == incident.HandedOver:
		return []string{clip(inc.Why)}
	case d == nil, inc.Asking() == nil && inc.State != incident.Held:
		return nil
	}
	var out []string
	for _, reason := range d.Answer.Held {
		out = append(out, clip(reason.Text))
	}
	for _, reason := range d.Answer.Reasons {
		if len(d.Answer.Held) == 0 || inc.Asking() != nil {
			out = append(out, clip(reason.Text))
		}
	}
	return bounded(out)
}

// stateOf is where the incident stands, in one sentence.
func stateOf(inc *incident.Incident) string {
	switch inc.State {
	case incident.Suspected:
		return "suspected, confirmed unless it goes away by " + inc.DueAt.UTC().Format("15:04:05 UTC")
	case incident.Standing:
		return "it was so when Salvor first looked; left alone until it changes"
	case incident.Deciding:
		if inc.Consent != nil {
			return "approved, about to begin"
		}
		return "confirmed, being decided"
	case incident.Held:
		return held(inc)
	case incident.Awaiting:
		return approvals(inc.Approval)
	case incident.Acting:
		return doing(inc)
	case incident.Verifying:
		return "all steps are done, checking that it worked"
	case incident.Clearing:
		if inc.NeedsPerson() {
			return "not seen any more; a person has to take back what was done"
		}
		return "not seen any more, watched before it is closed"
	case incident.Restoring:
		return "taking back what was done, " + doing(inc)
	}
	return strings.ToLower(timeline.Ending(inc)) + timeline.Lost(inc)
}

func held(inc *incident.Incident) string {
	why := why(inc)
	verb := "held back"
	if d := inc.Decision; d != nil && len(d.Answer.Held) == 0 {
		verb = "denied by policy"
	}
	if len(why) == 0 {
		return verb
	}
	return verb + ": " + why[0]
}

// approvals counts who has approved of those who are asked.
func approvals(a *incident.Approval) string {
	lacks := a.Lacks().People
	need := max(a.Whom().Votes, lacks)
	text := fmt.Sprintf("waits for approval: %d of %d have approved", need-lacks, need)
	if a.HeldBy != "" {
		text += fmt.Sprintf("; %s is on it until %s", a.HeldBy, a.HeldUntil.UTC().Format("15:04 UTC"))
	}
	return text
}

func doing(inc *incident.Incident) string {
	if inc.Plan == nil || len(inc.Plan.Steps) == 0 {
		return "no plan in force"
	}
	at := min(inc.Next, len(inc.Plan.Steps)-1)
	return fmt.Sprintf("step %d of %d: %s", at+1, len(inc.Plan.Steps), timeline.Does(inc.Plan.Steps[at]))
}
