package rig

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/salvor-io/salvor/test/stack"
)

// Holdings are what people put into a namespace, by "kind/name": all of each object but its state and what the cluster, its controllers or
// Velero chose.
type Holdings map[string]map[string]any

// held are the kinds of which people put objects into a namespace.
func held() (all []schema.GroupVersionResource) {
	for version, resources := range map[schema.GroupVersion][]string{
		{Version: "v1"}:                                     {"configmaps", "secrets", "services", "serviceaccounts", "persistentvolumeclaims", "limitranges", "resourcequotas"},
		{Group: "apps", Version: "v1"}:                      {"deployments", "statefulsets", "daemonsets"},
		{Group: "batch", Version: "v1"}:                     {"cronjobs"},
		{Group: "autoscaling", Version: "v2"}:               {"horizontalpodautoscalers"},
		{Group: "networking.k8s.io", Version: "v1"}:         {"ingresses", "networkpolicies"},
		{Group: "policy", Version: "v1"}:                    {"poddisruptionbudgets"},
		{Group: "rbac.authorization.k8s.io", Version: "v1"}: {"roles", "rolebindings"},
	} {
		for _, resource := range resources {
			all = append(all, version.WithResource(resource))
		}
	}
	return all
}

// Holdings are what a namespace of a cluster holds now.
func (r *Rig) Holdings(ctx context.Context, cluster, namespace string) (Holdings, error) {
	config, err := clientcmd.BuildConfigFromFlags("", r.clusters()[cluster].Kubeconfig(stack.Admin))
	if err != nil {
		return nil, fmt.Errorf("read the admin's kubeconfig: %w", err)
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make the admin's client: %w", err)
	}
	return HoldingsOf(ctx, client, namespace)
}

// HoldingsOf are what a namespace holds now of some kinds; of all of which people put objects into a namespace if none is named.
func HoldingsOf(ctx context.Context, client dynamic.Interface, namespace string, kinds ...schema.GroupVersionResource) (Holdings, error) {
	if len(kinds) == 0 {
		kinds = held()
	}
	all := Holdings{}
	for _, kind := range kinds {
		list, err := client.Resource(kind).Namespace(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, fmt.Errorf("list %s of %s: %w", kind.Resource, namespace, err)
		}
		for i := range list.Items {
			if o := &list.Items[i]; !builtIn(o) {
				all[kind.Resource+"/"+o.GetName()] = bare(o)
			}
		}
	}
	return all, nil
}

// Without is the same without the objects of a kind.
func (h Holdings) Without(kind string) Holdings {
	left := maps.Clone(h)
	maps.DeleteFunc(left, func(name string, _ map[string]any) bool { return strings.HasPrefix(name, kind+"/") })
	return left
}

// With is the same but for one field of an object.
func (h Holdings) With(name string, value any, path ...string) Holdings {
	changed := maps.Clone(h)
	object := (&unstructured.Unstructured{Object: h[name]}).DeepCopy().Object
	if unstructured.SetNestedField(object, value, path...) == nil {
		changed[name] = object
	}
	return changed
}

// Plain is the same without what Salvor writes down there: what it keeps beside, and the labels and annotations that are its own.
func (h Holdings) Plain() Holdings {
	plain := Holdings{}
	for name, held := range h {
		object := (&unstructured.Unstructured{Object: held}).DeepCopy()
		if object.GetLabels()["salvor.io/kept-of"] != "" {
			continue
		}
		object.SetLabels(notSalvors(object.GetLabels()))
		object.SetAnnotations(notSalvors(object.GetAnnotations()))
		plain[name] = object.Object
	}
	return plain
}

func notSalvors(all map[string]string) map[string]string {
	left := maps.Clone(all)
	maps.DeleteFunc(left, func(key, _ string) bool { return strings.HasPrefix(key, "salvor.io/") })
	return left
}

// Names are the names of all objects, in order.
func (h Holdings) Names() []string { return slices.Sorted(maps.Keys(h)) }

// Unlike says in what others differ from these, object by object; nothing where they are the same.
func (h Holdings) Unlike(others Holdings) string { return cmp.Diff(h, others) }

// builtIn says that Kubernetes makes the object in every namespace.
func builtIn(o *unstructured.Unstructured) bool {
	return o.GetName() == "kube-root-ca.crt" || o.GetKind() == "ServiceAccount" && o.GetName() == "default"
}

// bare is an object without its state, and without what others than people chose.
func bare(o *unstructured.Unstructured) map[string]any {
	object := o.DeepCopy().Object
	object["metadata"] = map[string]any{"labels": ours(o.GetLabels()), "annotations": ours(o.GetAnnotations())}
	delete(object, "status")
	for _, field := range []string{"clusterIP", "clusterIPs", "volumeName", "dataSource", "dataSourceRef"} {
		unstructured.RemoveNestedField(object, "spec", field)
	}
	forget(object, "namespace", "subjects")
	forget(object, "nodePort", "spec", "ports")
	return object
}

// forget takes a field out of each entry of a list: the namespace of a subject follows the namespace of what names it.
func forget(object map[string]any, field string, path ...string) {
	list, ok, _ := unstructured.NestedSlice(object, path...)
	if !ok {
		return
	}
	for _, entry := range list {
		delete(entry.(map[string]any), field)
	}
	_ = unstructured.SetNestedSlice(object, list, path...)
}

// ours are labels or annotations without those of Velero and of controllers.
func ours(all map[string]string) map[string]any {
	left := map[string]any{}
	for key, value := range all {
		if domain, _, _ := strings.Cut(key, "/"); !strings.HasSuffix(domain, "velero.io") && !strings.HasSuffix(domain, "kubernetes.io") {
			left[key] = value
		}
	}
	return left
}
