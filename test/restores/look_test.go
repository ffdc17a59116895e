package restores

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/salvor-io/salvor/responders"
)

func core(resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: resource}
}

func of(group, version, resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: version, Resource: resource}
}

var (
	namespaces = core("namespaces")
	configMaps = core("configmaps")
	claims     = core("persistentvolumeclaims")
	services   = core("services")

	cronJobs = of("batch", "v1", "cronjobs")

	backups   = of("velero.io", "v1", "backups")
	restores  = of("velero.io", "v1", "restores")
	schedules = of("velero.io", "v1", "schedules")
	locations = of("velero.io", "v1", "backupstoragelocations")
	downloads = of("velero.io", "v1", "downloadrequests")
)

// holding are the kinds of which people put objects into a namespace.
var holding = []schema.GroupVersionResource{configMaps, claims, services, core("secrets"), core("serviceaccounts"), core("limitranges"), core("resourcequotas"),
	of("apps", "v1", "deployments"), of("apps", "v1", "statefulsets"), of("apps", "v1", "daemonsets"), cronJobs, of("autoscaling", "v2", "horizontalpodautoscalers"),
	of("networking.k8s.io", "v1", "ingresses"), of("networking.k8s.io", "v1", "networkpolicies"), of("policy", "v1", "poddisruptionbudgets"),
	of("rbac.authorization.k8s.io", "v1", "roles"), of("rbac.authorization.k8s.io", "v1", "rolebindings")}

// world is what people put somewhere, by "kind/name": all of it but what the cluster chose itself.
type world map[string]map[string]any

// look is what a namespace holds.
func (c *cluster) look(t *testing.T, namespace string) world {
	t.Helper()
	return c.lookAt(t, namespace, holding...)
}

// lookAt is what a namespace holds of some kinds.
func (c *cluster) lookAt(t *testing.T, namespace string, kinds ...schema.GroupVersionResource) world {
	t.Helper()
	w := world{}
	for _, kind := range kinds {
		list, err := c.admin.Resource(kind).Namespace(namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range list.Items {
			if o := &list.Items[i]; !builtIn(o) {
				w[fmt.Sprintf("%s/%s", kind.Resource, o.GetName())] = bare(o)
			}
		}
	}
	return w
}

// builtIn says that Kubernetes makes the object in every namespace.
func builtIn(o *unstructured.Unstructured) bool {
	return o.GetName() == "kube-root-ca.crt" || o.GetKind() == "ServiceAccount" && o.GetName() == "default"
}

// bare is an object without its state, and without what the cluster, its controllers or Velero chose.
func bare(o *unstructured.Unstructured) map[string]any {
	object := o.DeepCopy().Object
	object["metadata"] = map[string]any{"labels": others(o.GetLabels()), "annotations": others(o.GetAnnotations())}
	delete(object, "status")
	for _, path := range [][]string{{"spec", "clusterIP"}, {"spec", "clusterIPs"}, {"spec", "volumeName"}, {"spec", "dataSource"}, {"spec", "dataSourceRef"}} {
		unstructured.RemoveNestedField(object, path...)
	}
	if subjects, ok, _ := unstructured.NestedSlice(object, "subjects"); ok {
		for _, s := range subjects {
			delete(s.(map[string]any), "namespace")
		}
		object["subjects"] = subjects
	}
	ports, ok, _ := unstructured.NestedSlice(object, "spec", "ports")
	for _, p := range ports {
		delete(p.(map[string]any), "nodePort")
	}
	if ok {
		_ = unstructured.SetNestedSlice(object, ports, "spec", "ports")
	}
	return object
}

// others are labels or annotations without those of Velero and of controllers.
func others(all map[string]string) map[string]any {
	left := map[string]any{}
	for key, value := range all {
		if domain, _, _ := strings.Cut(key, "/"); !strings.HasSuffix(domain, "velero.io") && !strings.HasSuffix(domain, "kubernetes.io") {
			left[key] = value
		}
	}
	return left
}

// made are the objects of a kind that Salvor made for an incident.
func (c *cluster) made(t *testing.T, kind schema.GroupVersionResource, env responders.Env) (all []unstructured.Unstructured) {
	t.Helper()
	list, err := c.admin.Resource(kind).Namespace("velero").List(t.Context(), metav1.ListOptions{LabelSelector: "salvor.io/managed=true"})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range list.Items {
		if o.GetAnnotations()["salvor.io/incident"] == env.Incident {
			all = append(all, o)
		}
	}
	return all
}

// velero is all that Salvor could have written in a cluster: what is in the namespace of Velero, without its state, and which namespaces there are.
func (c *cluster) velero(t *testing.T) world {
	t.Helper()
	w := c.lookAt(t, "velero", backups, restores, schedules, locations, downloads, configMaps)
	list, err := c.admin.Resource(namespaces).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range list.Items {
		w["namespaces/"+list.Items[i].GetName()] = map[string]any{"uid": string(list.Items[i].GetUID())}
	}
	return w
}

// isAsBefore fails the test where the cluster is not as it was.
func (c *cluster) isAsBefore(t *testing.T, was world) {
	t.Helper()
	if diff := cmp.Diff(was, c.velero(t)); diff != "" {
		t.Errorf("the world is not as it was (-was +is):\n%s", diff)
	}
}
