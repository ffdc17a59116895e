package kube

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/salvor-io/salvor/events"
)

const maxUses = 64

// usesOf are the ConfigMaps and Secrets that pods of a template read, sorted.
func usesOf(pod *corev1.PodSpec) []events.Ref {
	var out []events.Ref
	use := func(kind, name string) {
		if name != "" {
			out = append(out, events.Ref{Kind: kind, Name: name})
		}
	}
	for _, v := range pod.Volumes {
		volumeUses(v, use)
	}
	for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
		containerUses(c, use)
	}
	for _, pull := range pod.ImagePullSecrets {
		use("Secret", pull.Name)
	}
	slices.SortFunc(out, func(a, b events.Ref) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) })
	out = slices.Compact(out)
	return slices.Clip(out[:min(len(out), maxUses)])
}

func volumeUses(v corev1.Volume, use func(kind, name string)) {
	if v.ConfigMap != nil {
		use("ConfigMap", v.ConfigMap.Name)
	}
	if v.Secret != nil {
		use("Secret", v.Secret.SecretName)
	}
	if v.Projected == nil {
		return
	}
	for _, source := range v.Projected.Sources {
		if source.ConfigMap != nil {
			use("ConfigMap", source.ConfigMap.Name)
		}
		if source.Secret != nil {
			use("Secret", source.Secret.Name)
		}
	}
}

func containerUses(c corev1.Container, use func(kind, name string)) {
	for _, from := range c.EnvFrom {
		if from.ConfigMapRef != nil {
			use("ConfigMap", from.ConfigMapRef.Name)
		}
		if from.SecretRef != nil {
			use("Secret", from.SecretRef.Name)
		}
	}
	for _, env := range c.Env {
		if env.ValueFrom == nil {
			continue
		}
		if ref := env.ValueFrom.ConfigMapKeyRef; ref != nil {
			use("ConfigMap", ref.Name)
		}
		if ref := env.ValueFrom.SecretKeyRef; ref != nil {
			use("Secret", ref.Name)
		}
	}
}

// changeOf is who last changed what people want of an object: neither its status nor its scale, nor what a controller of Kubernetes
// itself writes down.
func changeOf(m metav1.Object) events.Change {
	var last events.Change
	for _, f := range m.GetManagedFields() {
		if f.Subresource != "" || f.Time == nil || isController(f.Manager) {
			continue
		}
		c := events.Change{By: text(f.Manager, 128), At: f.Time.UTC(), Op: text(string(f.Operation), maxReason)}
		if c.At.After(last.At) || c.At.Equal(last.At) && c.By > last.By {
			last = c
		}
	}
	return last
}

// isController says whether a field manager is a part of Kubernetes itself.
func isController(manager string) bool {
	switch manager {
	case "kube-controller-manager", "kube-scheduler", "kube-apiserver", "kubelet", "cloud-controller-manager",
		"deployment-controller", "statefulset-controller", "daemon-set-controller", "horizontal-pod-autoscaler":
		return true
	}
	return false
}
