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

// holdings are the running pods of a node and the number of volumes attached to it.
func holdings(ctx context.Context, client kubernetes.Interface, node string) (pods []corev1.Pod, volumes int, err error) {
	if pods, err = podsOn(ctx, client, node); err != nil {
		return nil, 0, err
	}
	volumes, err = attachedTo(ctx, client, node)
	return pods, volumes, err
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

func attachedTo(ctx context.Context, client kubernetes.Interface, node string) (int, error) {
	list, err := client.StorageV1().VolumeAttachments().List(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, fmt.Errorf("list volume attachments: %w", err)
	}
	attached := 0
	for _, attachment := range list.Items {
		if attachment.Spec.NodeName == node {
			attached++
		}
	}
	return attached, nil
}

// leftovers says how many things were promised for a node, and what still keeps it from being released. Without the taint
// nothing else counts.
func leftovers(ctx context.Context, client kubernetes.Interface, target policies.Target, promised []held) (int, []string, error) {
	node, err := lookUp(ctx, client, target)
	switch {
	case errors.Is(err, errGone):
		return 1, []string{err.Error()}, nil
	case err != nil:
		return 0, nil, err
	case taintOf(node, outOfService.Key) == nil:
		return 1, []string{node.Name + " is in service"}, nil
	}
	pods, volumes, err := holdings(ctx, client, node.Name)
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
