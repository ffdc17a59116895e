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
var held = []schema.GroupVersionResource{
	{Version: "v1", Resource: "configmaps"}, {Version: "v1", Resource: "secrets"}, {Version: "v1", Resource: "services"}, {Version: "v1", Resource: "serviceaccounts"},
	{Version: "v1", Resource: "persistentvolumeclaims"}, {Group: "apps", Version: "v1", Resource: "deployments"}, {Group: "apps", Version: "v1", Resource: "statefulsets"},
	{Group: "batch", Version: "v1", Resource: "cronjobs"}, {Group: "policy", Version: "v1", Resource: "poddisruptionbudgets"},
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
	all := Holdings{}
	for _, kind := range held {
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
	return object
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
