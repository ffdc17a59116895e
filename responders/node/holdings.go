package node

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/policies"
)

// held is a pod that a node in service holds on to.
type held struct {
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	UID       types.UID `json:"uid"`
}

func heldBy(pods []corev1.Pod) []held {
	list := []held{}
	for _, pod := range pods {
		if leaves(pod) {
			list = append(list, held{pod.Namespace, pod.Name, pod.UID})
		}
	}
	return list
}

// attached counts the volumes that are attached to each node of the cluster. One list tells it of all of them.
func attached(ctx context.Context, client kubernetes.Interface) (map[string]int, error) {
	list, err := client.StorageV1().VolumeAttachments().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list volume attachments: %w", err)
	}
	volumes := map[string]int{}
	for _, attachment := range list.Items {
		volumes[attachment.Spec.NodeName]++
	}
	return volumes, nil
}

// leftovers says how many things were promised for a node, and what still keeps it from being released, where so many volumes are attached to it.
// Without the taint nothing else counts.
func leftovers(ctx context.Context, client kubernetes.Interface, target policies.Target, promised []held, volumes int) (int, []string, error) {
	node, err := lookUp(ctx, client, target)
	switch {
	case errors.Is(err, errGone):
		return 1, []string{err.Error()}, nil
	case err != nil:
		return 0, nil, err
	case taintOf(node, outOfService.Key) == nil:
		return 1, []string{node.Name + " is in service"}, nil
	}
	pods, err := podsOn(ctx, client, node.Name)
	if err != nil {
		return 0, nil, err
	}
	missing := stillBound(pods, promised)
	if volumes > 0 {
		missing = append(missing, fmt.Sprintf("%s still has %s attached", node.Name, count(volumes, "volume")))
	}
	return 2 + len(promised), missing, nil
}

func stillBound(pods []corev1.Pod, promised []held) []string {
	var missing []string
	for _, pod := range pods {
		if slices.ContainsFunc(promised, func(h held) bool { return h.UID == pod.UID }) {
			missing = append(missing, fmt.Sprintf("pod/%s/%s is still bound to %s", pod.Namespace, pod.Name, pod.Spec.NodeName))
		}
	}
	return missing
}
