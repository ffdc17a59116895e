package responderstest_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/responderstest"
	"github.com/salvor-io/salvor/test/stack"
)

// installTraces makes the API server serve the kinds that tell of machines taken away and of nodes fenced, but
// SelfNodeRemediations: an API that is not installed is asked for, too.
func (r *plane) installTraces(t *testing.T) {
	t.Helper()
	for _, file := range []string{"traces.yaml", "machines.yaml"} {
		manifests, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		// A kind is served a moment after its definition was stored.
		eventually(t, time.Minute, func() error { return r.Apply(t.Context(), manifests) })
	}
	var err error
	if r.custom, err = dynamic.NewForConfig(config(t, r.Stack, stack.Admin)); err != nil {
		t.Fatal(err)
	}
}

// traced are cases of nodes without a power switch, each proven off by what others left.
func (r *plane) traced(use string) []responderstest.Case {
	none := func(*testing.T, string) {}
	return []responderstest.Case{
		r.unpowered(use, "no Machine of OpenShift", func(_ *testing.T, n *corev1.Node) {
			n.Annotations["machine.openshift.io/machine"] = "default/" + n.Name
		}, none),
		r.unpowered(use, "no Machine of Cluster API", func(_ *testing.T, n *corev1.Node) {
			n.Annotations["cluster.x-k8s.io/cluster-namespace"], n.Annotations["cluster.x-k8s.io/cluster-name"] = "default", "east"
			n.Annotations["cluster.x-k8s.io/machine"] = n.Name
		}, none),
		r.unpowered(use, "fenced by an agent", r.blank, r.fenceByAgent),
	}
}

// unpowered is a case of a node without a power switch; leave is called once the node is there.
func (r *plane) unpowered(use, name string, arrange func(*testing.T, *corev1.Node), leave func(*testing.T, string)) responderstest.Case {
	args := responders.Args{}
	return responderstest.Case{Name: name, Args: args, World: func(t *testing.T) *responderstest.World {
		node := r.register(t, arrange)
		leave(t, node)
		args["nodes"] = []string{node}
		return r.world(t, use, responderstest.NewTape(), nil)
	}}
}

// fenceByAgent leaves a Lease that was renewed for the last time, and then a remediation that is done.
func (r *plane) fenceByAgent(t *testing.T, node string) {
	leases := r.admin.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	renewed := metav1.NewMicroTime(time.Now().Add(-time.Hour)) // by a slow clock: the API server knows that it was now
	lease, err := leases.Create(t.Context(), &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: node},
		Spec: coordinationv1.LeaseSpec{RenewTime: &renewed}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = leases.Delete(context.Background(), node, metav1.DeleteOptions{}) })
	at := schema.GroupVersionResource{Group: "fence-agents-remediation.medik8s.io", Version: "v1alpha1", Resource: "fenceagentsremediations"}
	remediations := r.custom.Resource(at).Namespace(space)
	t.Cleanup(func() { _ = remediations.Delete(context.Background(), node, metav1.DeleteOptions{}) })
	eventually(t, time.Minute, func() error {
		made, err := remediations.Create(t.Context(), remediation(node), metav1.CreateOptions{})
		if err != nil || made.GetCreationTimestamp().After(lease.CreationTimestamp.Time) {
			return err
		}
		early := errors.New("the remediation was made in the second of the Lease")
		return errors.Join(early, remediations.Delete(t.Context(), node, metav1.DeleteOptions{}))
	})
}

func remediation(node string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "fence-agents-remediation.medik8s.io/v1alpha1", "kind": "FenceAgentsRemediation", "metadata": map[string]any{"name": node},
		"status": map[string]any{"conditions": []any{map[string]any{"type": "FenceAgentActionSucceeded", "status": "True"}}},
	}}
}
