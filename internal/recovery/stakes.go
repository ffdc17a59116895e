package recovery

import (
	"slices"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/policies"
)

// promised is what was promised to the applications that the fault or the plan of a question touches.
func (e *Engine) promised(q policies.Question) policies.ProtectionFacts {
	namespaces := slices.Clone(q.Fault.Namespaces)
	for _, target := range q.Plan.Targets {
		if target.Namespace != "" {
			namespaces = append(namespaces, target.Namespace)
		}
	}
	facts := policies.ProtectionFacts{Apps: []policies.AppFacts{}}
	for _, t := range e.Promises.Of(q.Cluster.Name, namespaces) {
		facts.Level = max(facts.Level, t.Level)
		facts.Apps = append(facts.Apps, policies.AppFacts{Name: t.Name, Level: t.Level, RPOS: t.RPO.Seconds(), RTOS: t.RTO.Seconds(), Namespaces: t.In})
	}
	return facts
}

// leftover counts what is left of a cluster while a plan stands.
type leftover struct {
	taken map[string]bool // names of the nodes that the plan takes away
	zones map[string]int  // well nodes that are left, by zone
	after policies.After
}

// leaves begins to count. What takes a plan back takes nothing away.
func leaves(plan policies.Proposal) *leftover {
	l := &leftover{taken: map[string]bool{}, zones: map[string]int{}}
	for _, target := range plan.Targets {
		if target.Kind == "Node" && plan.Phase == "recover" {
			l.taken[target.Name] = true
		}
	}
	return l
}

// count takes a node that exists into account.
func (l *leftover) count(n *classifiers.NodeView) {
	if n.Lost() || l.taken[n.Name] {
		return
	}
	l.after.Nodes++
	l.zones[n.Zone]++
	if n.ControlPlane {
		l.after.ControlPlanes++
	}
}

// sum is what is left, of zones that have so many nodes.
func (l *leftover) sum(zones map[string]policies.Zone) policies.After {
	for name, zone := range zones {
		if left := l.zones[name]; name != "" && left > 0 && 2*left >= zone.Nodes {
			l.after.HealthyZones++
		}
	}
	return l.after
}
