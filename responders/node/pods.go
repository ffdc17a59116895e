package node

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
)

// podsOn lists the pods bound to a node that have not ended.
func podsOn(ctx context.Context, client kubernetes.Interface, node string) ([]corev1.Pod, error) {
	selector := fields.OneTermEqualSelector("spec.nodeName", node).String()
	list, err := client.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{FieldSelector: selector})
	if err != nil {
		return nil, fmt.Errorf("list the pods of node %s: %w", node, err)
	}
	return slices.DeleteFunc(list.Items, func(pod corev1.Pod) bool {
		return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	}), nil
}

// claimsOf counts the distinct volume claims that pods write to.
func claimsOf(pods []corev1.Pod) int {
	claims := map[string]bool{}
	for _, pod := range pods {
		for _, volume := range pod.Spec.Volumes {
			switch {
			case volume.PersistentVolumeClaim != nil:
				claims[pod.Namespace+"/"+volume.PersistentVolumeClaim.ClaimName] = true
			case volume.Ephemeral != nil:
				claims[pod.Namespace+"/"+pod.Name+"-"+volume.Name] = true
			}
		}
	}
	return len(claims)
}

// leaves says whether a pod must go when its node is put out of service. DaemonSet pods belong to the node, and pods that
// tolerate the taint are not evicted by it.
func leaves(pod corev1.Pod) bool {
	owner := metav1.GetControllerOf(&pod)
	if owner != nil && owner.Kind == "DaemonSet" {
		return false
	}
	return !slices.ContainsFunc(pod.Spec.Tolerations, func(t corev1.Toleration) bool {
		return t.TolerationSeconds == nil && t.ToleratesTaint(klog.Background(), &outOfService, false)
	})
}

// count is a number with its noun: "1 pod", "3 pods".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
