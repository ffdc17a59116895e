package recovery

import (
	"cmp"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/policies"
)

// CordonedBy is the annotation that Salvor's own cordon leaves, with the incident as its value. A cordon without it is
// somebody else's.
const CordonedBy = "salvor.io/cordoned"

// Maintenance is the annotation by which people keep Salvor's hands off a node; its value says why.
const Maintenance = "salvor.io/maintenance"

// ownerTaints are taints that say which owner is taking a node away.
var ownerTaints = map[string]string{
	"ToBeDeletedByClusterAutoscaler":          "cluster-autoscaler",
	"DeletionCandidateOfClusterAutoscaler":    "cluster-autoscaler",
	"karpenter.sh/disrupted":                  "karpenter",
	"karpenter.sh/disruption":                 "karpenter",
	"node.cluster.x-k8s.io/outdated-revision": "cluster-api",
}

// ownerAnnotations are annotations whose presence says that an owner is at work on a node.
var ownerAnnotations = map[string]string{
	"weave.works/kured-reboot-in-progress": "kured",
	"machine.openshift.io/deleting":        "machine-api",
	"cluster.x-k8s.io/delete-machine":      "cluster-api",
}

// busyStates are annotations that say so only by certain values.
var busyStates = map[string]struct {
	who  string
	idle string
}{
	"machineconfiguration.openshift.io/state": {"machine-config-operator", "Done"},
}

// silencers are the people who have silenced the alerts about a node.
func silencers(v *classifiers.View, cluster string, n *classifiers.NodeView) []policies.AtWork {
	var out []policies.AtWork
	for _, s := range v.Silenced(cluster, n.Name, n.Zone, "") {
		who := cmp.Or(s.CreatedBy, "a person")
		out = append(out, policies.AtWork{Who: who, What: "silenced its alerts: " + s.Comment, Target: "node/" + n.Name})
	}
	return out
}

// atWork says who works on a node now, so that Salvor keeps its hands off.
func atWork(n *classifiers.NodeView) []policies.AtWork {
	target := "node/" + n.Name
	var out []policies.AtWork
	add := func(who, what string) { out = append(out, policies.AtWork{Who: who, What: what, Target: target}) }
	if n.Deleting {
		add("its owner", "the node object is being deleted")
	}
	if n.Unschedulable && n.Annotations[CordonedBy] == "" {
		add("a person or another tool", "cordoned it")
	}
	if why, ok := n.Annotations[Maintenance]; ok {
		add("a person", "maintenance: "+why)
	}
	for _, taint := range n.Taints {
		if who, ok := ownerTaints[taint.Key]; ok {
			add(who, "taint "+taint.Key)
		}
	}
	for key, who := range ownerAnnotations {
		if _, ok := n.Annotations[key]; ok {
			add(who, "annotation "+key)
		}
	}
	for key, state := range busyStates {
		if value := n.Annotations[key]; value != "" && value != state.idle {
			add(state.who, key+" is "+value)
		}
	}
	slices.SortFunc(out, func(a, b policies.AtWork) int { return strings.Compare(a.Who+a.What, b.Who+b.What) })
	return out
}
