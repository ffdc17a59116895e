package timeline

import (
	"fmt"
	"strings"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// decided tells what policy said, what holds it back, and which plan it was about.
func (t *teller) decided(e entry, rec incident.Sequenced) []entry {
	d := rec.Decided
	if d == nil {
		return nil
	}
	t.plan = d.Plan
	e.verb, e.text, e.more = "policy", Verdict(d.Answer), nil
	if len(d.Answer.Reasons) == 1 {
		e.text += ": " + reason(d.Answer.Reasons[0])
	} else {
		for _, r := range d.Answer.Reasons {
			e.more = append(e.more, reason(r))
		}
	}
	if d.Agreed {
		e.text += ", and they have approved"
	}
	if d.Broken {
		e.text += ", BROKEN GLASS: two people let it run without policy"
	}
	for _, worse := range d.Worse {
		e.more = append(e.more, "more than was asked about before: "+Plain(worse))
	}
	if d.Answer.Revision != "" {
		e.text += " rev " + Plain(short(d.Answer.Revision))
	}
	if q, known := t.asked[d.Ref]; known {
		e.more = append(e.more, "("+strings.Join(numbers(q), "; ")+")")
	} else if d.Answer.Verdict == policies.Act {
		e.more = append(e.more, "(mode act)") // no other mode lets it act
	}
	e.more = append(e.more, planned(d)...)
	out := []entry{e}
	for _, why := range d.Answer.Held {
		out = append(out, entry{at: e.at, verb: "held back", text: "because " + Plain(why.Text)})
	}
	return out
}

// Verdict is the answer in capitals, with who is asked, and what the rules alone would have said.
func Verdict(d policies.Decision) string {
	text := strings.ToUpper(d.Verdict.String())
	if d.Verdict == policies.Ask && d.Asks != nil {
		text += " " + Plain(d.Asks.Whom())
	}
	if d.Would != d.Verdict {
		text += ", though the rules say " + strings.ToUpper(d.Would.String())
	}
	return text
}

func reason(r policies.Reason) string { return fmt.Sprintf("%q %s", Plain(r.Text), Plain(r.Rule)) }

// short cuts a digest that nobody reads to its end.
func short(revision string) string {
	const most = 12
	if len(revision) > most && !strings.ContainsAny(revision, " ./") {
		return revision[:most]
	}
	return revision
}

// numbers are the facts that weighed: the mode, what is in repair against its limit, and how the rest of the cluster is.
func numbers(q policies.Question) []string {
	out := []string{"mode " + q.Mode.String()}
	for _, zone := range q.Fault.Zones {
		out = append(out, fmt.Sprintf("in repair: %d of at most %d in zone %s", q.InFlight.Zones[zone], q.Limits.NodesPerZone, Plain(zone)))
	}
	if q.View.Nodes > 0 && q.Limits.FleetShare > 0 {
		most := max(1, int(q.Limits.FleetShare*float64(q.View.Nodes)))
		out = append(out, fmt.Sprintf("in repair: %d of at most %d in %s", q.InFlight.Cluster, most, Plain(q.Cluster.Name)))
	}
	if q.Limits.StormNodes > 0 && q.View.LostOf > 0 {
		out = append(out, fmt.Sprintf("lost together: %d of %s", q.View.LostTogether, counted(q.View.LostOf, "node")))
	}
	if nodes, well := elsewhere(q); nodes > 0 {
		out = append(out, fmt.Sprintf("other zones: %d of %d well", well, nodes))
	}
	return out
}

// elsewhere counts the nodes outside the zones of the fault.
func elsewhere(q policies.Question) (nodes, well int) {
	for name, zone := range q.View.Zones {
		inside := false
		for _, hit := range q.Fault.Zones {
			inside = inside || hit == name
		}
		if !inside {
			nodes += zone.Nodes
			well += zone.Nodes - zone.Broken
		}
	}
	return nodes, well
}

// planned says in brief what the plan is and what it costs.
func planned(d *incident.Decision) []string {
	if d.Plan == nil {
		return nil
	}
	p := d.Plan.Proposal()
	text := fmt.Sprintf("plan %s: %s, %s on %s, %s", d.Plan.ShortDigest(), Plain(p.Runbook), counted(len(p.Steps), "step"), Targeted(p.Targets), p.Class)
	if d.Phase == incident.PhaseUndo {
		text += ", takes back what was done"
	}
	if p.DurationS > 0 {
		text += ", about " + Lasting(inSeconds(p.DurationS))
	}
	if p.DataLoss != "" {
		text += ", LOSES " + Plain(p.DataLoss)
	}
	out := []string{text}
	for _, warning := range p.Warnings {
		out = append(out, "beware: "+Plain(warning))
	}
	return out
}

// lastPlan is the last plan that was decided about.
func lastPlan(inc *incident.Incident) (*responders.Plan, *incident.Decision) {
	for i := len(inc.History) - 1; i >= 0; i-- {
		if d := inc.History[i].Decided; d != nil && d.Plan != nil {
			return d.Plan, d
		}
	}
	return nil, nil
}
