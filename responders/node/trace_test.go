package node

import (
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// silentSince is when the Leases of tests were last renewed.
var silentSince = time.Date(2029, 12, 31, 23, 50, 0, 0, time.UTC)

func aLease(node string) *coordinationv1.Lease {
	renewed := metav1.NewMicroTime(silentSince)
	return &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: corev1.NamespaceNodeLease, Name: node},
		Spec: coordinationv1.LeaseSpec{RenewTime: &renewed}}
}

// custom is an object of a kind that Kubernetes does not define.
func custom(apiVersion, kind, namespace, name string, edits ...func(*unstructured.Unstructured)) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": apiVersion, "kind": kind}}
	o.SetNamespace(namespace)
	o.SetName(name)
	for _, edit := range edits {
		edit(o)
	}
	return o
}

// with sets a field of an object.
func with(value any, path ...string) func(*unstructured.Unstructured) {
	return func(o *unstructured.Unstructured) {
		if err := unstructured.SetNestedField(o.Object, value, path...); err != nil {
			panic(err) // a test set a field where none can be
		}
	}
}

// since sets how long after the last renewal of the Lease an object was made.
func since(d time.Duration) func(*unstructured.Unstructured) {
	return func(o *unstructured.Unstructured) { o.SetCreationTimestamp(metav1.NewTime(silentSince.Add(d))) }
}

func going(o *unstructured.Unstructured) {
	now := metav1.NewTime(silentSince.Add(time.Hour))
	o.SetDeletionTimestamp(&now)
}

func annotatedAs(key, value string) func(*unstructured.Unstructured) {
	return func(o *unstructured.Unstructured) { o.SetAnnotations(map[string]string{key: value}) }
}

// onOpenShift marks a node as OpenShift's machine-api does: its Machine is machines/m.
var onOpenShift = annotated(openshiftAnnotation, "machines/m")

// onClusterAPI marks a node as Cluster API does: its Machine is fleet/m of Cluster fleet/east.
func onClusterAPI(n *corev1.Node) {
	n.Annotations[namespaceAnnotation], n.Annotations[clusterAnnotation], n.Annotations[machineAnnotation] = "fleet", "east", "m"
}

func openshiftMachine(name string, edits ...func(*unstructured.Unstructured)) *unstructured.Unstructured {
	return custom("machine.openshift.io/v1beta1", "Machine", "machines", name, edits...)
}

func capiCluster(version string, edits ...func(*unstructured.Unstructured)) *unstructured.Unstructured {
	return custom("cluster.x-k8s.io/"+version, "Cluster", "fleet", "east", edits...)
}

func capiMachine(version, name string, edits ...func(*unstructured.Unstructured)) *unstructured.Unstructured {
	edits = append([]func(*unstructured.Unstructured){with("east", "spec", "clusterName")}, edits...)
	return custom("cluster.x-k8s.io/"+version, "Machine", "fleet", name, edits...)
}

// selfRemediation is a SelfNodeRemediation that began a minute after the node fell silent, and is done.
func selfRemediation(name string, edits ...func(*unstructured.Unstructured)) *unstructured.Unstructured {
	edits = append([]func(*unstructured.Unstructured){since(time.Minute), with("Fencing-Completed", "status", "phase")}, edits...)
	return custom("self-node-remediation.medik8s.io/v1alpha1", "SelfNodeRemediation", "medik8s", name, edits...)
}

// agentsRemediation is a FenceAgentsRemediation that began a minute after the node fell silent, with this status of its action.
func agentsRemediation(name, status string, edits ...func(*unstructured.Unstructured)) *unstructured.Unstructured {
	conditions := []any{map[string]any{"type": "Processing", "status": "False"}, map[string]any{"type": "FenceAgentActionSucceeded", "status": status}}
	edits = append([]func(*unstructured.Unstructured){since(time.Minute), with(conditions, "status", "conditions")}, edits...)
	return custom("fence-agents-remediation.medik8s.io/v1alpha1", "FenceAgentsRemediation", "medik8s", name, edits...)
}

func the(o runtime.Object) func() runtime.Object {
	return func() runtime.Object { return o.DeepCopyObject() }
}

// gone are the objects from which each API says that node a is off.
func gone() map[string][]func() runtime.Object {
	return map[string][]func() runtime.Object{
		"its Machine of OpenShift is gone":   {theNode("a", onOpenShift), the(openshiftMachine("other"))},
		"its Machine of Cluster API is gone": {theNode("a", onClusterAPI), the(capiCluster("v1beta2")), the(capiMachine("v1beta2", "other"))},
		"it rebooted itself":                 {theNode("a"), the(aLease("a")), the(selfRemediation("a"))},
		"a fence agent switched it off":      {theNode("a"), the(aLease("a")), the(agentsRemediation("a", "True"))},
		"all of them at once":                {theNode("a", onOpenShift, onClusterAPI), the(openshiftMachine("other")), the(capiCluster("v1beta1")), the(capiMachine("v1beta1", "other")), the(aLease("a")), the(selfRemediation("a"))},
	}
}
