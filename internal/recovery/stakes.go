package recovery

import (
	"slices"

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
