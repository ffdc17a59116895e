package restores

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/test/rig"
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

// world is what people put somewhere, by "kind/name": all of it but what the cluster chose itself.
type world = rig.Holdings

// look is what a namespace holds of some kinds; of all of which people put objects into a namespace if none is named.
func (c *cluster) look(t *testing.T, namespace string, kinds ...schema.GroupVersionResource) world {
	t.Helper()
	w, err := rig.HoldingsOf(t.Context(), c.admin, namespace, kinds...)
	if err != nil {
		t.Fatal(err)
	}
	return w
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
	w := c.look(t, "velero", backups, restores, schedules, locations, downloads, configMaps)
	list, err := c.admin.Resource(namespaces).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range list.Items {
		if list.Items[i].GetDeletionTimestamp() != nil { // what an earlier test left goes in its own time
			continue
		}
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
