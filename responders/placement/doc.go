// Package placement says where in a cluster a pod could run if it did not run where it is: which nodes its volumes reach, which it may be
// put on, and whether there is room.
//
// It knows what the scheduler demands of a node for one pod: that it is ready and takes pods, taints, node selectors and required node
// affinity, where volumes are, and what is requested. It does not know what pods demand of one another (affinity between pods, spreading)
// nor what an autoscaler would add. So "no room" may still find room, and room may go unused. All of it is pure.
package placement

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
)

// IsReady says whether the kubelet of a node says that it is well, as far as the API server knows.
func IsReady(node *corev1.Node) bool {
	return slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// TakesPods says whether a node is ready and takes new pods.
func TakesPods(node *corev1.Node) bool {
	return IsReady(node) && !node.Spec.Unschedulable && node.DeletionTimestamp == nil
}

// HasEnded says whether a pod runs no more and takes no room.
func HasEnded(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// mayRunOn says whether a pod may be put on a node, room aside.
func mayRunOn(pod *corev1.Pod, volumes []*corev1.PersistentVolume, node *corev1.Node) bool {
	for _, taint := range node.Spec.Taints {
		if taint.Effect != corev1.TaintEffectPreferNoSchedule && !tolerates(pod, taint) {
			return false
		}
	}
	for key, value := range pod.Spec.NodeSelector {
		if node.Labels[key] != value {
			return false
		}
	}
	if affinity := pod.Spec.Affinity; affinity != nil && affinity.NodeAffinity != nil && !selects(affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution, node) {
		return false
	}
	return !slices.ContainsFunc(volumes, func(v *corev1.PersistentVolume) bool { return !Reaches(v, node) })
}

func tolerates(pod *corev1.Pod, taint corev1.Taint) bool {
	return slices.ContainsFunc(pod.Spec.Tolerations, func(t corev1.Toleration) bool {
		return t.ToleratesTaint(klog.Background(), &taint, false)
	})
}
