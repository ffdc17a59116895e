package kube

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/events"
)

// served is the part of a typed client that a lookout needs.
type served[O, L runtime.Object] interface {
	List(ctx context.Context, opts metav1.ListOptions) (L, error)
	Watch(ctx context.Context, opts metav1.ListOptions) (apiwatch.Interface, error)
	Get(ctx context.Context, name string, opts metav1.GetOptions) (O, error)
}

// builtIn is a kind of Kubernetes itself, read through in(namespace).
func builtIn[P any, O, L runtime.Object, A served[O, L]](client any, name, resource string, known func(namespace, name string) string,
	in func(namespace string) A, keep func(O) (P, error)) kind[P] {
	everywhere := in("")
	return kind[P]{
		name: name, resource: resource, client: client, known: known, keep: typed(keep),
		list: func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
			return everywhere.List(ctx, opts)
		},
		watch: everywhere.Watch,
		get: func(ctx context.Context, namespace, name string) (runtime.Object, error) {
			return in(namespace).Get(ctx, name, metav1.GetOptions{})
		},
	}
}

// cluster is the in of a kind whose objects have no namespace.
func cluster[A any](api A) func(string) A { return func(string) A { return api } }

// builtInObjects are the kinds of Kubernetes itself that are published as objects, by kind.
func builtInObjects(client kubernetes.Interface, note func(*corev1.Namespace)) map[string]kind[seenObject] {
	core, admission := client.CoreV1(), client.AdmissionregistrationV1()
	return map[string]kind[seenObject]{
		"Namespace": builtIn(client, "namespaces", "namespaces", keyOf("Namespace"), cluster(core.Namespaces()), func(n *corev1.Namespace) (seenObject, error) {
			note(n)
			return projectNamespace(n)
		}),
		"PersistentVolume": builtIn(client, "persistentvolumes", "persistentvolumes", keyOf("PersistentVolume"),
			cluster(core.PersistentVolumes()), projectVolume),
		"PersistentVolumeClaim": builtIn(client, "persistentvolumeclaims", "persistentvolumeclaims", keyOf("PersistentVolumeClaim"),
			core.PersistentVolumeClaims, projectClaim),
		"ConfigMap": builtIn(client, "configmaps", "configmaps", keyOf("ConfigMap"), core.ConfigMaps, projectConfigMap),
		"ValidatingWebhookConfiguration": builtIn(client, "validatingwebhookconfigurations", "validatingwebhookconfigurations.admissionregistration.k8s.io",
			keyOf("ValidatingWebhookConfiguration"), cluster(admission.ValidatingWebhookConfigurations()), projectValidating),
		"MutatingWebhookConfiguration": builtIn(client, "mutatingwebhookconfigurations", "mutatingwebhookconfigurations.admissionregistration.k8s.io",
			keyOf("MutatingWebhookConfiguration"), cluster(admission.MutatingWebhookConfigurations()), projectMutating),
	}
}

// projectNamespace says of a namespace that is being deleted what keeps it.
func projectNamespace(n *corev1.Namespace) (seenObject, error) {
	o, err := projectObject("Namespace", n)
	o.Phase = text(string(n.Status.Phase), maxReason)
	for _, c := range n.Status.Conditions {
		if c.Status == corev1.ConditionTrue && o.Message == "" {
			o.Message = text(c.Message, objectMessage)
		}
	}
	return o, err
}

// projectClaim passes over what a restore fills a volume by: it is no claim that anybody put there, and nobody misses it when it goes.
func projectClaim(c *corev1.PersistentVolumeClaim) (seenObject, error) {
	if isInterim(c) {
		return seenObject{}, errPassedOver
	}
	o, err := projectObject("PersistentVolumeClaim", c)
	o.Phase = text(string(c.Status.Phase), maxReason)
	for _, c := range c.Status.Conditions {
		if c.Status == corev1.ConditionTrue && o.Message == "" {
			o.Message = text(string(c.Type)+": "+c.Message, objectMessage)
		}
	}
	if c.Spec.VolumeName != "" {
		o.Of = events.Ref{Kind: "PersistentVolume", Name: c.Spec.VolumeName}
	}
	o.From = filledFrom(c)
	return o, err
}

// isInterim says whether Salvor made a claim beside another one whose volume is to be replaced: it is labelled with the step for which, and that is
// in its name, too.
func isInterim(c *corev1.PersistentVolumeClaim) bool {
	step := c.Labels["salvor.io/for"]
	return step != "" && strings.HasSuffix(c.Name, "-salvor-"+step)
}

// filledFrom is what a claim was filled from. Velero labels what it restores, also where it fills the volume later itself. Salvor writes down from which
// snapshot the volume is that it gave a claim.
func filledFrom(c *corev1.PersistentVolumeClaim) events.Ref {
	switch from := c.Spec.DataSourceRef; {
	case c.Labels["velero.io/restore-name"] != "":
		return refTo("Restore.velero.io", text(c.Labels["velero.io/restore-name"], 512))
	case c.Annotations["salvor.io/restored-from"] != "":
		return refTo("VolumeSnapshot", text(c.Annotations["salvor.io/restored-from"], 512))
	case from != nil:
		return refTo(text(from.Kind, maxReason), text(from.Name, 512))
	case c.Spec.DataSource != nil:
		return refTo(text(c.Spec.DataSource.Kind, maxReason), text(c.Spec.DataSource.Name, 512))
	}
	return events.Ref{}
}

func projectVolume(v *corev1.PersistentVolume) (seenObject, error) {
	o, err := projectObject("PersistentVolume", v)
	o.Phase, o.Message = text(string(v.Status.Phase), maxReason), text(v.Status.Message, objectMessage)
	if c := v.Spec.ClaimRef; c != nil {
		o.Of = events.Ref{Kind: "PersistentVolumeClaim", Name: c.Namespace + "/" + c.Name, UID: string(c.UID)}
	}
	return o, err
}

func projectConfigMap(m *corev1.ConfigMap) (seenObject, error) {
	if isRestless(m) {
		return seenObject{}, errPassedOver
	}
	o, err := projectObject("ConfigMap", m)
	var texts []string
	for _, key := range slices.Sorted(maps.Keys(m.Data)) {
		texts = append(texts, "data", key, m.Data[key])
	}
	for _, key := range slices.Sorted(maps.Keys(m.BinaryData)) {
		texts = append(texts, "binaryData", key, string(m.BinaryData[key]))
	}
	o.Content = content(texts...)
	return o, err
}

// isRestless says whether a ConfigMap is no configuration: the same in every namespace, or written again and again by a program.
func isRestless(m *corev1.ConfigMap) bool {
	switch m.Name {
	case "kube-root-ca.crt", "openshift-service-ca.crt", "istio-ca-root-cert", // certificates that are copied everywhere
		"cluster-autoscaler-status": // every ten seconds
		return true
	}
	_, elects := m.Annotations["control-plane.alpha.kubernetes.io/leader"]
	return elects
}

func projectValidating(w *admissionv1.ValidatingWebhookConfiguration) (seenObject, error) {
	o, err := projectObject("ValidatingWebhookConfiguration", w)
	for _, hook := range w.Webhooks {
		if o.Content, err = chained(o.Content, &hook, err); err != nil {
			return o, err
		}
	}
	return o, err
}

func projectMutating(w *admissionv1.MutatingWebhookConfiguration) (seenObject, error) {
	o, err := projectObject("MutatingWebhookConfiguration", w)
	for _, hook := range w.Webhooks {
		if o.Content, err = chained(o.Content, &hook, err); err != nil {
			return o, err
		}
	}
	return o, err
}

// chained is the digest of one more part after a digest of those before it.
func chained(before string, part interface{ Marshal() ([]byte, error) }, err error) (string, error) {
	if err != nil {
		return "", err
	}
	data, err := part.Marshal()
	if err != nil {
		return "", fmt.Errorf("read webhook: %w", err)
	}
	return content(before, string(data)), nil
}
