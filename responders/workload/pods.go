package workload

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/placement"
)

// readNode fetches a node as a target. A node that is not there is an error.
func readNode(ctx context.Context, client kubernetes.Interface, name string) (policies.Target, error) {
	node, err := client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return policies.Target{}, fmt.Errorf("read node %s: %w", name, err)
	}
	return policies.Target{Kind: "Node", Name: name, UID: string(node.UID), Zone: node.Labels[corev1.LabelTopologyZone]}, nil
}

// podsOn lists the pods bound to any of the nodes that have not ended, those that are being deleted included.
func podsOn(ctx context.Context, client kubernetes.Interface, nodes []string) ([]corev1.Pod, error) {
	lists := make([][]corev1.Pod, len(nodes))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lookups)
	for i, node := range nodes {
		group.Go(func() error {
			selector := fields.OneTermEqualSelector("spec.nodeName", node).String()
			list, err := client.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{FieldSelector: selector})
			if err != nil {
				return fmt.Errorf("list the pods of node %s: %w", node, err)
			}
			lists[i] = list.Items
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Concat(lists...), func(pod corev1.Pod) bool { return placement.HasEnded(&pod) }), nil
}

func isTerminating(pod corev1.Pod) bool { return pod.DeletionTimestamp != nil }

// displaceable says whether a pod can leave with nothing but its scratch space lost: a ReplicaSet or a ReplicationController
// puts another one elsewhere, and none of its volumes is tied to a place or to one writer. Otherwise it says why not.
//
// A Job's pod is not: its work would begin anew and count as failed. A StatefulSet's pod is not: its identity must not run
// twice. A volume of a kind that is not known to be harmless holds the pod back.
func displaceable(pod corev1.Pod) (bool, string) {
	owner := metav1.GetControllerOf(&pod)
	switch {
	case owner == nil:
		return false, "without a controller"
	case owner.Kind == "DaemonSet":
		return false, "of DaemonSets"
	case owner.Kind != "ReplicaSet" && owner.Kind != "ReplicationController":
		return false, "of " + owner.Kind + "s"
	case placement.IsTied(&pod):
		return false, "with volumes"
	}
	return true, ""
}

func hasScratch(pod corev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.EmptyDir != nil })
}

// pin stores a responder's own facts in the change.
func pin(change *responders.Change, facts any) error {
	raw, err := json.Marshal(facts)
	if err != nil {
		return fmt.Errorf("pin the facts of %s: %w", change.Responder, err)
	}
	change.Detail = raw
	return nil
}

// pinned reads what pin stored.
func pinned(change responders.Change, into any) error {
	if err := json.Unmarshal(change.Detail, into); err != nil {
		return fmt.Errorf("read the pinned facts of %s: %w", change.Responder, err)
	}
	return nil
}

// count is a number with its noun: "1 pod", "3 pods".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
