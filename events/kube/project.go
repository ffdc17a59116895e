package kube

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/salvor-io/salvor/events"
)

// maxTaints bounds the taints kept of one node.
const maxTaints = 64

// project keeps of a node what judgements need. Equal objects have equal projections, whatever the order of their parts.
func project(n *corev1.Node) events.Node {
	return events.Node{
		Name:            n.Name,
		UID:             string(n.UID),
		ResourceVersion: n.ResourceVersion,
		Created:         n.CreationTimestamp.UTC(),
		Deleting:        n.DeletionTimestamp != nil,
		Zone:            firstLabel(n, corev1.LabelTopologyZone, corev1.LabelFailureDomainBetaZone),
		Region:          firstLabel(n, corev1.LabelTopologyRegion, corev1.LabelFailureDomainBetaRegion),
		Group:           group(n),
		ControlPlane:    isControlPlane(n),
		ProviderID:      n.Spec.ProviderID,
		Ready:           ready(n),
		Unschedulable:   n.Spec.Unschedulable,
		Taints:          taints(n),
		Annotations:     workers(n),
	}
}

func firstLabel(n *corev1.Node, keys ...string) string {
	for _, key := range keys {
		if value := n.Labels[key]; value != "" {
			return value
		}
	}
	return ""
}

// group names the pool of like nodes that a node belongs to.
func group(n *corev1.Node) string {
	return firstLabel(n,
		"eks.amazonaws.com/nodegroup",
		"alpha.eksctl.io/nodegroup-name",
		"cloud.google.com/gke-nodepool",
		"kubernetes.azure.com/agentpool",
		"karpenter.sh/nodepool",
		"worker.gardener.cloud/pool",
		"kops.k8s.io/instancegroup",
		"doks.digitalocean.com/node-pool",
		"k8s.scaleway.com/pool-name",
	)
}

func isControlPlane(n *corev1.Node) bool {
	for _, key := range []string{"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"} {
		if _, ok := n.Labels[key]; ok {
			return true
		}
	}
	return false
}

func ready(n *corev1.Node) events.Condition {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return events.Condition{Status: string(c.Status), Reason: c.Reason, Since: c.LastTransitionTime.UTC()}
		}
	}
	return events.Condition{}
}

func taints(n *corev1.Node) []events.Taint {
	var out []events.Taint
	for _, t := range n.Spec.Taints {
		out = append(out, events.Taint{Key: t.Key, Value: t.Value, Effect: string(t.Effect)})
	}
	slices.SortFunc(out, func(a, b events.Taint) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Effect, b.Effect), cmp.Compare(a.Value, b.Value))
	})
	return out[:min(len(out), maxTaints)]
}

// workers are the marks of those who work on the node. An annotation counts before a label of the same name.
func workers(n *corev1.Node) map[string]string {
	all := maps.Clone(n.Labels)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, n.Annotations)
	var out map[string]string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if !isMark(key) || len(out) == maxMarks {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[key] = strings.ToValidUTF8(all[key][:min(len(all[key]), maxMark)], "")
	}
	return out
}

// digest names what a projection says, whatever the version of the object it was made from. It is the same before and
// after a trip through the log.
func digest(n events.Node) string {
	n.ResourceVersion, n.Gone = "", false
	n.Created, n.Ready.Since = n.Created.Truncate(time.Second).UTC(), n.Ready.Since.Truncate(time.Second).UTC()
	data, err := json.Marshal(n)
	if err != nil { // a time beyond year 9999
		data = fmt.Append(nil, n)
	}
	data = bytes.ReplaceAll(data, []byte(`\ufffd`), []byte("\uFFFD")) // what is no text is written so, but read back plain
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:6])
}
