package recovery

import (
	"fmt"
	"slices"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// held are the targets of a plan that it locks: its nodes, which stand for the pods on them, or all of them where it has no
// node.
func held(plan *responders.Plan) []policies.Target {
	all := plan.Targets()
	nodes := slices.DeleteFunc(slices.Clone(all), func(t policies.Target) bool { return t.Kind != "Node" })
	if len(nodes) > 0 {
		return nodes
	}
	return all
}

// claim is what a plan of the incident takes. The budgets are held again at the moment of the write, against what
// others hold then: policy's answer may be older than another replica's claim. Taking back what was done counts against no
// budget: a node that has returned is not one more that is down.
func (e *Engine) claim(inc *incident.Incident, plan *responders.Plan, phase incident.Phase, q policies.Question) *ledger.Claim {
	c := &ledger.Claim{Targets: held(plan), Admit: func(others ledger.Budget) error {
		q.InFlight = others.InFlight(inc.Key.Cluster, held(plan))
		for _, why := range policies.Brakes(q) {
			return fmt.Errorf("%w: %s", ErrHeld, why.Text)
		}
		return nil
	}}
	if phase == incident.PhaseUndo {
		return c
	}
	e.Sights.Ask(func(v *classifiers.View) {
		for _, t := range c.Targets {
			if t.Kind == "Node" {
				c.Entries = append(c.Entries, ledger.Entry{Cluster: inc.Key.Cluster, Zone: zoneOf(v, inc.Key.Cluster, t.Name), Node: t.Name})
			}
		}
	})
	return c
}

func zoneOf(v *classifiers.View, cluster, node string) string {
	if c, ok := v.Clusters[cluster]; ok && c.Nodes[node] != nil {
		return c.Nodes[node].Zone
	}
	return ""
}
