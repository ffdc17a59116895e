package repairers

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// karpenter looks whether Karpenter runs with its node repair. The observe role may read a Deployment whose name is known.
func (s *site) karpenter(ctx context.Context, groups map[string][]string) []Repairer {
	if _, served := groups["karpenter.sh"]; !served {
		return nil
	}
	const stop = "take NodeRepair=true out of the feature gates of Karpenter (settings.featureGates.nodeRepair of its chart)"
	controller, err := s.deployment(ctx, "karpenter", "kube-system", "karpenter")
	s.fails(err)
	switch {
	case err != nil || controller == nil:
		return []Repairer{{Name: "Karpenter", What: "Karpenter's API is served, and no Deployment karpenter could be read in kube-system or karpenter: whether its node repair is on is not seen",
			Do: "see that the feature gate NodeRepair of Karpenter is off"}}
	case nodeRepair(controller):
		return []Repairer{{Sure, "Karpenter", fmt.Sprintf("Karpenter (Deployment %s/%s) replaces nodes that are not ready: its feature gate NodeRepair is on", controller.Namespace, controller.Name), stop}}
	}
	return nil
}

// nodeRepair reads the feature gates of a Karpenter from its environment and arguments.
func nodeRepair(d *appsv1.Deployment) bool {
	for _, container := range d.Spec.Template.Spec.Containers {
		texts := append(append([]string{}, container.Command...), container.Args...)
		for _, env := range container.Env {
			if env.Name == "FEATURE_GATES" {
				texts = append(texts, env.Value)
			}
		}
		if strings.Contains(strings.ToLower(strings.Join(texts, " ")), "noderepair=true") {
			return true
		}
	}
	return false
}

// draino looks for draino, which cordons and drains nodes for their conditions. Without the right to list Deployments it is
// looked for under its own name.
func (s *site) draino(ctx context.Context) []Repairer {
	found, err := s.drainos(ctx)
	s.fails(err)
	if err != nil {
		return []Repairer{{Name: "draino", What: fmt.Sprintf("whether draino runs is not seen: %v", err), Do: "let the observe role read Deployments: salvor print rbac --role observe"}}
	}
	var out []Repairer
	for i := range found {
		if isDraino(&found[i]) {
			out = append(out, Repairer{Sure, "draino", fmt.Sprintf("draino (Deployment %s/%s) cordons and drains nodes for their conditions", found[i].Namespace, found[i].Name), "remove draino, or scale it to 0"})
		}
	}
	return out
}

// drainos are the Deployments that may be draino: all, or where they may not be listed, that of its own name.
func (s *site) drainos(ctx context.Context) ([]appsv1.Deployment, error) {
	list, err := s.clients.Kubernetes.AppsV1().Deployments(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err == nil {
		return list.Items, nil
	}
	if !apierrors.IsForbidden(err) && !apierrors.IsNotFound(err) {
		return nil, err
	}
	d, err := s.deployment(ctx, "draino", "kube-system", "draino")
	if err != nil || d == nil {
		return nil, err
	}
	return []appsv1.Deployment{*d}, nil
}

func isDraino(d *appsv1.Deployment) bool {
	if d.Spec.Replicas != nil && *d.Spec.Replicas == 0 {
		return false
	}
	images := func(c corev1.Container) bool { return strings.Contains(c.Image, "draino") }
	for _, c := range d.Spec.Template.Spec.Containers {
		if images(c) {
			return true
		}
	}
	return d.Name == "draino"
}

// deployment reads the Deployment of a name from the first namespace that has it; nil when none has.
func (s *site) deployment(ctx context.Context, name string, namespaces ...string) (*appsv1.Deployment, error) {
	for _, namespace := range namespaces {
		d, err := s.clients.Kubernetes.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
		if err == nil {
			return d, nil
		}
		if !apierrors.IsNotFound(err) {
			return nil, err
		}
	}
	return nil, nil
}
