package placement

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
)

// zoneLabels are the labels by which volumes say in which zones and regions they are, where they do not say it by their node affinity.
var zoneLabels = []string{corev1.LabelTopologyZone, corev1.LabelTopologyRegion, corev1.LabelFailureDomainBetaZone, corev1.LabelFailureDomainBetaRegion}

// betweenZones parts the zones in such a label of a volume.
const betweenZones = "__"

// Reaches says whether a volume can be used on a node.
func Reaches(volume *corev1.PersistentVolume, node *corev1.Node) bool {
	for _, key := range zoneLabels {
		where, said := volume.Labels[key]
		if said && !slices.Contains(strings.Split(where, betweenZones), node.Labels[key]) {
			return false
		}
	}
	return volume.Spec.NodeAffinity == nil || selects(volume.Spec.NodeAffinity.Required, node)
}

// Bound says whether a volume can be used on none of the nodes.
func Bound(volume *corev1.PersistentVolume, nodes []*corev1.Node) bool {
	return !slices.ContainsFunc(nodes, func(n *corev1.Node) bool { return Reaches(volume, n) })
}

// Claims are the names of the claims that the pod holds volumes by and that outlive it.
func Claims(pod *corev1.Pod) []string {
	var out []string
	for _, volume := range pod.Spec.Volumes {
		if volume.PersistentVolumeClaim != nil {
			out = append(out, volume.PersistentVolumeClaim.ClaimName)
		}
	}
	return out
}

// IsTied says whether a pod has a volume that is tied to a place or to one writer: any but scratch space, configuration and secrets.
func IsTied(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool {
		harmless := v.EmptyDir != nil || v.ConfigMap != nil || v.Secret != nil || v.DownwardAPI != nil || v.Projected != nil || v.Image != nil || v.CSI != nil
		return !harmless
	})
}

// selects says whether a node is one that a selector means; none means all.
func selects(selector *corev1.NodeSelector, node *corev1.Node) bool {
	return selector == nil || slices.ContainsFunc(selector.NodeSelectorTerms, func(t corev1.NodeSelectorTerm) bool { return meets(t, node) })
}

// meets says whether a node meets all demands of a term. A term without demands is met by none, and so is a demand that cannot be read.
func meets(term corev1.NodeSelectorTerm, node *corev1.Node) bool {
	unmet := func(facts labels.Set) func(corev1.NodeSelectorRequirement) bool {
		return func(r corev1.NodeSelectorRequirement) bool {
			demand, err := labels.NewRequirement(r.Key, operators[r.Operator], r.Values)
			return err != nil || !demand.Matches(facts)
		}
	}
	return len(term.MatchExpressions)+len(term.MatchFields) > 0 &&
		!slices.ContainsFunc(term.MatchExpressions, unmet(node.Labels)) &&
		!slices.ContainsFunc(term.MatchFields, unmet(labels.Set{"metadata.name": node.Name}))
}

var operators = map[corev1.NodeSelectorOperator]selection.Operator{
	corev1.NodeSelectorOpIn: selection.In, corev1.NodeSelectorOpNotIn: selection.NotIn, corev1.NodeSelectorOpExists: selection.Exists,
	corev1.NodeSelectorOpDoesNotExist: selection.DoesNotExist, corev1.NodeSelectorOpGt: selection.GreaterThan, corev1.NodeSelectorOpLt: selection.LessThan,
}
