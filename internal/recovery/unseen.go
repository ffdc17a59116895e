package recovery

import (
	"maps"
	"slices"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/policies"
)

// The facts that are told by the watches of nodes and of Leases. All other watches tell of signals.
var (
	ofNodes = []string{"plan.after.healthy_control_planes", "plan.after.healthy_zones", "plan.after.nodes", "view.at_work", "view.broken_nodes",
		"view.control_plane_nodes", "view.healthy_control_planes", "view.lost_together_nodes", "view.lost_together_of_nodes", "view.nodes", "view.zones"}
	ofLeases = []string{"fault.signals", "plan.after.healthy_control_planes", "plan.after.healthy_zones", "plan.after.nodes", "view.broken_nodes",
		"view.healthy_control_planes", "view.lost_together_nodes", "view.zones"}
)

// unseen names the watches that do not see, and as unknown the facts that they tell. See policies.Uncertain.
func unseen(q *policies.Question, v *classifiers.View, c *classifiers.Cluster, watches []string) {
	lacking := map[string]bool{}
	for _, watch := range watches {
		if v.Sees(c, watch) {
			continue
		}
		q.View.Blind = append(q.View.Blind, watch)
		for _, fact := range toldBy(watch) {
			lacking[fact] = true
		}
	}
	if v.BlindToSilences() {
		q.View.Blind = append(q.View.Blind, "silences")
		lacking["view.at_work"] = true
	}
	if len(q.Fault.Zones) == 0 && q.Fault.Kind == string(classifiers.KindNode) {
		lacking["fault.zones"] = true
	}
	q.Unknown = slices.AppendSeq(q.Unknown, maps.Keys(lacking))
	slices.Sort(q.Unknown)
}

func toldBy(watch string) []string {
	switch watch {
	case "nodes":
		return ofNodes
	case "leases":
		return ofLeases
	}
	return []string{"fault.signals"}
}
