package rig

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Crash has the kubelets say that the containers of an app of the shop end as soon as they are started, as they do with a configuration that they
// cannot read. The phase is one that the kubelets of the stack leave alone: of a pod that runs they would say at once that it is ready.
func (r *Rig) Crash(ctx context.Context, app string) error {
	return r.say(ctx, app, corev1.PodUnknown, corev1.ContainerStatus{RestartCount: 3,
		State:                corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
		LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error", FinishedAt: metav1.Now()}}})
}

// Rerun has the kubelets say that what crashed was started once more, and runs.
func (r *Rig) Rerun(ctx context.Context, app string) error {
	return r.say(ctx, app, corev1.PodRunning, corev1.ContainerStatus{RestartCount: 4, Ready: true,
		State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}})
}

// say changes what kubelets say of the one container of each pod of an app.
func (r *Rig) say(ctx context.Context, app string, phase corev1.PodPhase, container corev1.ContainerStatus) error {
	pods, err := r.Kube.CoreV1().Pods(Shop).List(ctx, metav1.ListOptions{LabelSelector: "app=" + app})
	if err != nil {
		return fmt.Errorf("list the pods of %s: %w", app, err)
	}
	for _, p := range pods.Items {
		container.Name, container.Image = p.Spec.Containers[0].Name, p.Spec.Containers[0].Image
		p.Status.Phase, p.Status.ContainerStatuses = phase, []corev1.ContainerStatus{container}
		ready := map[bool]corev1.ConditionStatus{false: corev1.ConditionFalse, true: corev1.ConditionTrue}[container.Ready]
		for i := range p.Status.Conditions {
			if c := &p.Status.Conditions[i]; c.Type == corev1.PodReady || c.Type == corev1.ContainersReady {
				c.Status, c.LastTransitionTime = ready, metav1.Now()
			}
		}
		if _, err := r.Kube.CoreV1().Pods(Shop).UpdateStatus(ctx, &p, metav1.UpdateOptions{}); err != nil {
			return fmt.Errorf("say how pod %s is: %w", p.Name, err)
		}
	}
	return nil
}
