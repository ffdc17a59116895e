package volume

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/responders/placement"
)

// placeFor is the node for which a volume is made whose class waits for a consumer: a ready node that takes pods and reaches the volume that is
// replaced, the preferred ones first, then by name. A claim that names it is bound without a pod, as the scheduler would have it: so the
// content can be there before anything is stopped for it. Where there is no node for it that is an error.
func placeFor(ctx context.Context, client kubernetes.Interface, like *corev1.PersistentVolume, preferred []string) (string, error) {
	list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", fmt.Errorf("list nodes: %w", err)
	}
	var names []string
	for i := range list.Items {
		node := &list.Items[i]
		if takesPods(node) && (like == nil || placement.Reaches(like, node)) {
			names = append(names, node.Name)
		}
	}
	if len(names) == 0 {
		return "", fmt.Errorf("find a node to make the volume for: none is ready, takes pods and reaches where the volume has to be")
	}
	slices.SortFunc(names, func(a, b string) int {
		likes := func(name string) int {
			if slices.Contains(preferred, name) {
				return 0
			}
			return 1
		}
		if d := likes(a) - likes(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return names[0], nil
}

func takesPods(node *corev1.Node) bool {
	return !node.Spec.Unschedulable && node.DeletionTimestamp == nil && slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}
