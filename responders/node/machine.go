package node

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The groups of the two APIs that manage machines, and what they write on nodes (openshift/api machine/v1beta1 and
// machine-api-operator's nodelink controller; sigs.k8s.io/cluster-api api/v1beta1 common_types.go).
const (
	openshift           = "machine.openshift.io"
	openshiftAnnotation = "machine.openshift.io/machine" // namespace/name

	clusterAPI          = "cluster.x-k8s.io"
	machineAnnotation   = "cluster.x-k8s.io/machine"
	clusterAnnotation   = "cluster.x-k8s.io/cluster-name"
	namespaceAnnotation = "cluster.x-k8s.io/cluster-namespace"
	pausedAnnotation    = "cluster.x-k8s.io/paused" // on a Cluster, beside spec.paused
)

// clusterAPIVersions are the versions of Cluster API that are looked for; which of them is served depends on its age.
func clusterAPIVersions() []string { return []string{"v1beta2", "v1beta1"} }

// machine looks for the Machine of the node in each API that the node says it belongs to. The instance is gone only where
// none of them contradicts: a Machine may be handed over from one API to the other with its instance running on.
func (t trail) machine(ctx context.Context) stance {
	var gone stance
	for _, found := range []stance{t.openshiftMachine(ctx), t.clusterAPIMachine(ctx)} {
		if !found.proven && found.why != "" {
			return found
		}
		if found.proven {
			gone = found
		}
	}
	return gone
}

// openshiftMachine looks for the Machine of OpenShift's machine-api. A Machine keeps a finalizer until its instance is
// deleted, so that none left means that the instance is gone, where this API server is the one that manages it: it has
// other Machines in the same namespace.
func (t trail) openshiftMachine(ctx context.Context) stance {
	namespace, name, ok := strings.Cut(t.node.Annotations[openshiftAnnotation], "/")
	if !ok || namespace == "" || name == "" {
		return stance{}
	}
	k := kind{"Machine", schema.GroupVersionResource{Group: openshift, Version: "v1beta1", Resource: "machines"}}
	machines, served, why := t.list(ctx, k, namespace)
	switch {
	case why != "":
		return stance{why: why}
	case !served || len(machines) == 0:
		return stance{why: fmt.Sprintf("its %s is managed elsewhere: no Machine is here", k.called(namespace, name))}
	}
	return t.sought(k, namespace, name, machines)
}

// clusterAPIMachine looks for the Machine of Cluster API. Absence says that the instance is gone only in the API server
// that manages it: the Cluster is there and at work, and has other Machines. While clusterctl moves a Cluster elsewhere its
// Machines are deleted before it, with their instances running on, but it is paused then (cluster-api
// cmd/clusterctl/client/cluster/mover.go). So the Machines are listed first, and the Cluster is read after that.
func (t trail) clusterAPIMachine(ctx context.Context) stance {
	a := t.node.Annotations
	namespace, cluster, name := a[namespaceAnnotation], a[clusterAnnotation], a[machineAnnotation]
	if namespace == "" || cluster == "" || name == "" {
		return stance{}
	}
	for _, version := range clusterAPIVersions() {
		found := t.machineOf(ctx, version, namespace, cluster, name)
		k := kind{"Cluster", schema.GroupVersionResource{Group: clusterAPI, Version: version, Resource: "clusters"}}
		owner, err := t.custom.Resource(k.GroupVersionResource).Namespace(namespace).Get(ctx, cluster, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			continue // the version is not served, or the Cluster is not here
		case err != nil:
			return stance{why: k.unread(err)}
		case isPaused(owner) || owner.GetDeletionTimestamp() != nil:
			return stance{why: k.called(namespace, cluster) + " is paused or being deleted, so that a Machine that is not there proves nothing"}
		}
		return found
	}
	return stance{why: fmt.Sprintf("its Machine %s/%s is managed elsewhere: Cluster %s/%s is not here", namespace, name, namespace, cluster)}
}

func (t trail) machineOf(ctx context.Context, version, namespace, cluster, name string) stance {
	k := kind{"Machine", schema.GroupVersionResource{Group: clusterAPI, Version: version, Resource: "machines"}}
	machines, _, why := t.list(ctx, k, namespace)
	if why != "" {
		return stance{why: why}
	}
	for i := range machines {
		if of, _, _ := unstructured.NestedString(machines[i].Object, "spec", "clusterName"); of == cluster {
			return t.sought(k, namespace, name, machines)
		}
	}
	return stance{why: fmt.Sprintf("Cluster %s/%s has no Machine here, so that one that is not there proves nothing", namespace, cluster)}
}

// sought looks for the Machine among those there are. One that refers to the node is its Machine, too, whatever its name:
// annotations of a node are not to be trusted alone.
func (t trail) sought(k kind, namespace, name string, machines []unstructured.Unstructured) stance {
	for i := range machines {
		if machine := &machines[i]; machine.GetName() == name || isMachineOf(machine, t.node) {
			return stance{why: "its " + k.called(namespace, machine.GetName()) + " is there"}
		}
	}
	return stance{wayMachine, true, "its " + k.called(namespace, name) + " is gone"}
}

// isMachineOf says whether a Machine refers to the node, by name or by the identity of its instance.
func isMachineOf(machine *unstructured.Unstructured, node *corev1.Node) bool {
	name, _, _ := unstructured.NestedString(machine.Object, "status", "nodeRef", "name")
	instance, _, _ := unstructured.NestedString(machine.Object, "spec", "providerID")
	return name == node.Name || instance != "" && instance == node.Spec.ProviderID
}

func isPaused(cluster *unstructured.Unstructured) bool {
	paused, _, err := unstructured.NestedBool(cluster.Object, "spec", "paused")
	_, annotated := cluster.GetAnnotations()[pausedAnnotation]
	return paused || annotated || err != nil
}
