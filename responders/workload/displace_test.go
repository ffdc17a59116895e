package workload

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/responderstest"
)

func TestDisplaceTellsWhoLeavesAndWhoStays(t *testing.T) {
	ended := aPod("a", "ended", "ReplicaSet", "web")
	ended.Status.Phase = corev1.PodFailed
	config := corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{}}
	clusters, _, _ := responderstest.InMemory(t, aNode("a"), aNode("b"), ended, leaving(aPod("a", "gone", "ReplicaSet", "web")),
		aPod("a", "web-2", "ReplicaSet", "web", scratch, config), aPod("a", "web-1", "ReplicaSet", "web"), aPod("a", "old", "ReplicationController", "old"),
		aPod("b", "elsewhere", "ReplicaSet", "web"),
		aPod("a", "with-claim", "ReplicaSet", "web", claim),
		aPod("a", "with-own-claim", "ReplicaSet", "web", corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}}),
		aPod("a", "on-the-node", "ReplicaSet", "web", corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{}}),
		aPod("a", "on-a-disk", "ReplicaSet", "web", corev1.VolumeSource{ISCSI: &corev1.ISCSIVolumeSource{}}),
		aPod("a", "db-0", "StatefulSet", "db"), aPod("a", "log", "DaemonSet", "log"), aPod("a", "bare", "", ""), aPod("a", "work", "Job", "work"),
		aPod("a", "static", "Node", "a"))
	change, err := NewDisplace(clusters).Preview(t.Context(), env, responders.Args{"nodes": []string{"a"}, "only": "stateless"})
	if err != nil {
		t.Fatal(err)
	}
	pod := func(name string) policies.Target {
		return policies.Target{Kind: "Pod", Namespace: "shop", Name: name, UID: "uid-pod-shop-" + name}
	}
	want := responders.Change{Responder: "workload.displace", Class: policies.Disruptive, DurationS: 5,
		Targets: []policies.Target{pod("old"), pod("web-1"), pod("web-2")},
		Will: []string{"3 stateless pods deleted gracefully, replaced by the controllers elsewhere", "the scratch space (emptyDir) of 1 pod is gone with them",
			"these pods stay: 1 of DaemonSets, 1 of Jobs, 1 of Nodes, 1 of StatefulSets, 4 with volumes, 1 without a controller"},
		Command: "kubectl delete pod --wait=false -n shop old web-1 web-2", Detail: []byte(`{"nodes":["a"]}`)}
	if diff := cmp.Diff(want, change); diff != "" {
		t.Error(diff)
	}
}

func TestDisplaceNeverForces(t *testing.T) {
	clusters, _, own := responderstest.InMemory(t, aNode("a"), aPod("a", "web", "ReplicaSet", "web"))
	r := NewDisplace(clusters)
	change, err := r.Preview(t.Context(), env, responders.Args{"nodes": []string{"a"}, "only": "stateless"})
	if err != nil {
		t.Fatal(err)
	}
	allowed := responders.WithGuard(t.Context(), func(context.Context) error { return nil })
	if err := r.Apply(allowed, env, change); err != nil {
		t.Fatal(err)
	}
	pod, err := own.CoreV1().Pods("shop").Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil || pod.DeletionTimestamp == nil {
		t.Errorf("the pod is %+v, error %v; want it on its way out and still there", pod, err)
	}
}

func TestDisplaceSparesAPodThatTookTheName(t *testing.T) {
	clusters, _, own := responderstest.InMemory(t, aNode("a"), aPod("a", "web", "ReplicaSet", "web"))
	r := NewDisplace(clusters)
	pod := policies.Target{Kind: "Pod", Namespace: "shop", Name: "web", UID: "another"}
	client, _ := clusters.Writer("east")
	allowed := responders.WithGuard(t.Context(), func(context.Context) error { return nil })
	if err := remove(allowed, client, pod); err != nil {
		t.Error(err)
	}
	change := responders.Change{Targets: []policies.Target{pod}, Detail: []byte(`{"nodes":["a"]}`)}
	if err := r.Apply(allowed, env, change); err != nil {
		t.Error(err)
	}
	if still, err := own.CoreV1().Pods("shop").Get(t.Context(), "web", metav1.GetOptions{}); err != nil || still.DeletionTimestamp != nil {
		t.Errorf("the other pod was touched: %+v, error %v", still, err)
	}
	if found, err := r.Verify(t.Context(), env, change); err != nil || found.Outcome != responders.OutcomeVerified {
		t.Errorf("Verify says %+v, error %v", found, err)
	}
}

// TestDisplaceOfAZone: where pods are too many to be named each, their controllers are, and no pod of another leaves.
func TestDisplaceOfAZone(t *testing.T) {
	crowd := []runtime.Object{aNode("a"), aPod("a", "db-0", "StatefulSet", "db"), aPod("a", "kept", "ReplicaSet", "web", claim)}
	for i := range maxTargets + 1 {
		crowd = append(crowd, aPod("a", fmt.Sprintf("web-%d", i), "ReplicaSet", "web"))
	}
	clusters, _, own := responderstest.InMemory(t, crowd...)
	r := NewDisplace(clusters)
	change, err := r.Preview(t.Context(), env, responders.Args{"nodes": []string{"a"}, "only": "stateless"})
	if err != nil || targetNames(change) != "node/a replicaset/shop/web" {
		t.Fatalf("error %v, its targets are %s", err, targetNames(change))
	}
	if found, err := r.Verify(t.Context(), env, change); err != nil || found.Outcome != responders.OutcomeNotVerified || len(found.Detail) != 20 {
		t.Errorf("Verify says %+v, error %v", found, err)
	}
	if err := r.Apply(responders.WithGuard(t.Context(), func(context.Context) error { return nil }), env, change); err != nil {
		t.Fatal(err)
	}
	stay := 0
	list, err := own.CoreV1().Pods("shop").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range list.Items {
		if !isTerminating(pod) {
			stay++
		}
	}
	if found, err := r.Verify(t.Context(), env, change); err != nil || found.Outcome != responders.OutcomeVerified || stay != 2 {
		t.Errorf("Verify says %+v, error %v; %d pods stay, want 2", found, err, stay)
	}
}

func TestDisplaceRefusals(t *testing.T) {
	clusters, _, _ := responderstest.InMemory(t, aNode("a"))
	for says, args := range map[string]responders.Args{
		`"only" must be stateless, not "stateful"`: {"nodes": []string{"a"}, "only": "stateful"},
		"read node b": {"nodes": []string{"a", "b"}, "only": "stateless"},
	} {
		if _, err := NewDisplace(clusters).Preview(t.Context(), env, args); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want %q", err, says)
		}
	}
}
