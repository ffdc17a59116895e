package workload

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Available changes nothing. It pins the workloads that have pods on nodes when the plan is made, and verifies that each of
// them is available again without those nodes. A workload that was deleted or recreated meanwhile no longer counts.
type Available struct{ clusters Clusters }

// NewAvailable makes the responder workload.available.
func NewAvailable(clusters Clusters) *Available { return &Available{clusters} }

// awaited is what the plan pinned.
type awaited struct {
	Nodes     []string         `json:"nodes"`
	Workloads []pinnedWorkload `json:"workloads"`
}

// pinnedWorkload is a workload that had pods on the nodes, in the order of the targets.
type pinnedWorkload struct {
	Owners []types.UID `json:"owners"` // the controllers its pods name: its own UID, or those of its ReplicaSets
}

// Spec describes workload.available.
func (a *Available) Spec() responders.Spec {
	return responders.Spec{
		Name:  "workload.available",
		About: "verifies that the workloads that ran on the nodes are available without them; writes nothing",
		Class: policies.Observe,
		Params: []responders.Param{
			{Name: "displacedFrom", Type: responders.ParamNames, Required: true, About: "names of the nodes the workloads ran on"},
		},
		Grants: append(awaitGrants(), responders.Grant{Resource: "nodes", Verbs: []string{"get"}}, responders.Grant{Resource: "pods", Verbs: []string{"list"}}),
	}
}

// Preview pins the workloads.
func (a *Available) Preview(ctx context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	if err := a.Spec().Check(args); err != nil {
		return responders.Change{}, err
	}
	client, err := a.clusters.Reader(env.Cluster)
	if err != nil {
		return responders.Change{}, err
	}
	names := args.Names("displacedFrom")
	nodes, pods, err := readNodes(ctx, client, names)
	if err != nil {
		return responders.Change{}, err
	}
	workloads, err := trace(ctx, client, pods)
	if err != nil {
		return responders.Change{}, err
	}
	if len(workloads) > maxTargets {
		return responders.Change{}, fmt.Errorf("watch workloads: %d of them, more than %d in one check; do it in parts", len(workloads), maxTargets)
	}
	return awaiting(names, nodes, workloads)
}

func awaiting(names []string, nodes []policies.Target, workloads []workload) (responders.Change, error) {
	change := responders.Change{Responder: "workload.available", Targets: nodes, Nothing: len(workloads) == 0}
	facts := awaited{Nodes: names, Workloads: []pinnedWorkload{}}
	if !change.Nothing {
		change.Targets = nil
	}
	for _, w := range workloads {
		change.Targets = append(change.Targets, w.target)
		change.Will = append(change.Will, w.target.String()+" is awaited to be available")
		facts.Workloads = append(facts.Workloads, pinnedWorkload{Owners: w.owners})
	}
	if change.Nothing {
		change.Will = []string{"no workload has pods there: nothing to wait for"}
	}
	return change, pin(&change, facts)
}

// Apply does nothing: there is nothing to do but to look.
func (a *Available) Apply(context.Context, responders.Env, responders.Change) error { return nil }

// Verify looks whether each workload that still exists has all its replicas available, none of them counted on the nodes.
func (a *Available) Verify(ctx context.Context, env responders.Env, change responders.Change) (responders.Finding, error) {
	return verifyAwaited(ctx, a.clusters, env, change)
}

// verifyAwaited looks at the workloads that a plan awaits.
func verifyAwaited(ctx context.Context, clusters Clusters, env responders.Env, change responders.Change) (responders.Finding, error) {
	var facts awaited
	if err := pinned(change, &facts); err != nil {
		return unknown(err)
	}
	if change.Nothing {
		return responders.FindingOf(0, nil), nil
	}
	if len(facts.Workloads) != len(change.Targets) {
		return unknown(fmt.Errorf("read the pinned facts of %s: %d facts for %d targets", change.Responder, len(facts.Workloads), len(change.Targets)))
	}
	client, err := clusters.Reader(env.Cluster)
	if err != nil {
		return unknown(err)
	}
	pods, err := podsOn(ctx, client, facts.Nodes)
	if err != nil {
		return unknown(err)
	}
	missing, err := unavailable(ctx, client, change.Targets, func(i int) string { return countedOn(pods, facts.Workloads[i].Owners) })
	if err != nil {
		return unknown(err)
	}
	responders.Progress(ctx, len(change.Targets)-len(missing), len(change.Targets), "workloads available elsewhere")
	return responders.FindingOf(len(change.Targets), missing), nil
}

// awaitGrants are the reads that looking at awaited workloads takes.
func awaitGrants() []responders.Grant {
	return []responders.Grant{
		{Resource: "replicationcontrollers", Verbs: []string{"get"}},
		{Group: "apps", Resource: "deployments", Verbs: []string{"get"}},
		{Group: "apps", Resource: "replicasets", Verbs: []string{"get"}},
		{Group: "apps", Resource: "statefulsets", Verbs: []string{"get"}},
	}
}

// countedOn names the node that still carries a ready pod of the owners, or nothing. Such a pod counts as available until
// its node is known to be lost, which says nothing about whether it serves.
func countedOn(pods []corev1.Pod, owners []types.UID) string {
	for _, pod := range pods {
		owner := metav1.GetControllerOf(&pod)
		if owner == nil || isTerminating(pod) || !isReady(pod) {
			continue
		}
		for _, uid := range owners {
			if owner.UID == uid {
				return pod.Spec.NodeName
			}
		}
	}
	return ""
}

func isReady(pod corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}
