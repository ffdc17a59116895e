package protection

import (
	"slices"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/responders"
)

// Severity is how much an incident matters, as people name it.
type Severity string

// The severities.
const (
	Sev1 Severity = "SEV1" // a zone, a region, what has a copy or a standby, or data that is lost
	Sev2 Severity = "SEV2" // what is restored by plan, or anything in production
	Sev3 Severity = "SEV3"
)

// Production is the environment of a cluster in which every incident is at least SEV2.
const Production = "production"

// copied is the least DR level of what is kept up all the time: an interruption of it was never to be noticed.
const copied = 3

// Severity is how much an incident in a cluster of an environment matters, by what it touches: the fault, and each plan that was decided about
// for it. It follows from the record alone, and never falls while the incident lives.
func (all Promises) Severity(inc *incident.Incident, environment string) Severity {
	plans := decidedAbout(inc)
	level := 0
	for _, t := range all.Of(inc.Key.Cluster, reached(inc.Fault, plans)) {
		level = max(level, t.Level)
	}
	wide := inc.Fault.Kind == classifiers.KindZone || inc.Fault.Kind == classifiers.KindRegion
	switch {
	case wide, level >= copied, deleted(inc.Fault), slices.ContainsFunc(plans, loses):
		return Sev1
	case level == copied-1, environment == Production:
		return Sev2
	}
	return Sev3
}

func decidedAbout(inc *incident.Incident) []*responders.Plan {
	var plans []*responders.Plan
	for _, rec := range inc.History {
		if rec.Decided != nil && rec.Decided.Plan != nil {
			plans = append(plans, rec.Decided.Plan)
		}
	}
	return plans
}

// reached are the namespaces that a fault or plans touch.
func reached(f classifiers.Fault, plans []*responders.Plan) []string {
	namespaces := slices.Clone(f.Scope.Namespaces)
	for _, plan := range plans {
		for _, target := range plan.Targets() {
			if target.Namespace != "" {
				namespaces = append(namespaces, target.Namespace)
			}
		}
	}
	return namespaces
}

// deleted says that objects or volumes of the cluster are gone, and not only that less protects them.
func deleted(f classifiers.Fault) bool {
	return f.Kind == classifiers.KindData && (f.Anchor.Kind == "namespace" || f.Anchor.Kind == "cluster")
}

func loses(plan *responders.Plan) bool {
	return slices.ContainsFunc(plan.Steps, func(s responders.Step) bool { return s.Change.DataLoss != "" })
}
