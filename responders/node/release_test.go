package node

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

func TestReleaseSaysWhatItTakes(t *testing.T) {
	tolerant := aPod("a", "agent", "ReplicaSet")
	tolerant.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	ended := aPod("a", "done", "Job")
	ended.Status.Phase = corev1.PodSucceeded
	b := newBench(t, aNode("a"), aPod("a", "db-0", "StatefulSet", "data"), aPod("a", "web", "ReplicaSet"), aPod("a", "log", "DaemonSet"), tolerant, ended,
		anAttachment("a"))
	change := b.preview(NewRelease(b.clusters, nil), "a")
	want := responders.Change{Responder: "node.release", Class: policies.Destructive, DurationS: 90,
		Targets:  []policies.Target{{Kind: "Node", Name: "a", UID: "uid-node--a", Zone: "a"}},
		Will:     []string{"a is put out of service: 2 pods deleted by force, 1 volume detached"},
		Warnings: []string{"if a still runs, both copies may write to 1 volume"},
		Command:  "kubectl taint node a node.kubernetes.io/out-of-service=nodeshutdown:NoExecute",
		Detail: []byte(`[{"way":"accepted","pods":[{"namespace":"shop","name":"db-0","uid":"uid-pod-shop-db-0"},` +
			`{"namespace":"shop","name":"web","uid":"uid-pod-shop-web"}]}]`)}
	if diff := cmp.Diff(want, change); diff != "" {
		t.Error(diff)
	}
	b.power.off = true
	if change = b.preview(NewRelease(b.clusters, b.switches()), "a"); change.Class != policies.Disruptive || change.Warnings != nil {
		t.Errorf("with proof the change is %+v", change)
	}
}

// A stale Lease is not a dead node: nothing is released without proof in the world at the moment of the write.
func TestReleaseDemandsProof(t *testing.T) {
	on, blind, off := &lever{}, &lever{unknown: errPower}, &lever{off: true}
	mark := annotated(FencedAnnotation, acceptedMark)
	oldMark := annotated(FencedAnnotation, `{"incident":"inc-0","proof":"accepted","at":"2029-01-01T00:00:00Z"}`)
	powerMark := annotated(FencedAnnotation, `{"incident":"inc-1","proof":"power switch","at":"2030-01-01T00:00:00Z"}`)
	none := func(*corev1.Node) {}
	for name, c := range map[string]struct {
		way   way
		class policies.Class
		node  func(*corev1.Node)
		power *lever
		goes  bool
	}{
		"off":                                   {wayPower, policies.Disruptive, none, off, true},
		"on":                                    {wayPower, policies.Disruptive, none, on, false},
		"on, though it was off once":            {wayPower, policies.Disruptive, powerMark, on, false},
		"not known":                             {wayPower, policies.Disruptive, none, blind, false},
		"not known, though it was off once":     {wayPower, policies.Disruptive, powerMark, blind, false},
		"switch gone":                           {wayPower, policies.Disruptive, none, nil, false},
		"proof promised, risk accepted":         {wayPower, policies.Disruptive, mark, on, false},
		"proof promised, not known, accepted":   {wayPower, policies.Destructive, mark, blind, false},
		"shut down":                             {wayShutdown, policies.Disruptive, shutDown, nil, true},
		"shut down, then not":                   {wayShutdown, policies.Disruptive, none, nil, false},
		"shut down, then not, but off":          {wayShutdown, policies.Disruptive, none, off, true},
		"accepted":                              {wayAccepted, policies.Destructive, mark, nil, true},
		"accepted, not shown as destructive":    {wayAccepted, policies.Disruptive, mark, nil, false},
		"to be accepted, not recorded":          {wayAccepted, policies.Destructive, none, nil, false},
		"to be accepted, fenced by power once":  {wayAccepted, policies.Destructive, powerMark, blind, false},
		"accepted for another incident":         {wayAccepted, policies.Destructive, oldMark, nil, false},
		"accepted, the mark cannot be read":     {wayAccepted, policies.Destructive, annotated(FencedAnnotation, "{"), nil, false},
		"to be accepted, meanwhile proven off":  {wayAccepted, policies.Destructive, none, off, true},
		"to be accepted, meanwhile proven dead": {wayAccepted, policies.Destructive, shutDown, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, aNode("a", c.node))
			switches := map[string]Power{}
			if c.power != nil {
				switches["east"] = c.power
			}
			before := b.node("a")
			change := responders.Change{Responder: "node.release", Class: c.class, Targets: []policies.Target{targetOf(before)}}
			if err := pin(&change, []releasing{{Way: c.way}}); err != nil {
				t.Fatal(err)
			}
			err := NewRelease(b.clusters, switches).Apply(b.allowed(), env, change)
			if !c.goes {
				b.wantError(err, "node a keeps its volumes")
				b.wantUntouched(before)
				return
			}
			now := b.node("a")
			if err != nil || taintOf(now, corev1.TaintNodeOutOfService) == nil || now.Annotations[ReleasedAnnotation] != "inc-1" {
				t.Errorf("Apply: %v, taints %v, annotations %v", err, now.Spec.Taints, now.Annotations)
			}
			if taintOf(now, "other") == nil {
				t.Error("another taint was lost")
			}
		})
	}
}

func TestReleaseVerifiesThePromise(t *testing.T) {
	b := newBench(t, aNode("a"), aPod("a", "db-0", "StatefulSet", "data"), anAttachment("a"))
	b.power.off = true
	r := NewRelease(b.clusters, b.switches())
	change := b.preview(r, "a")
	look := func(want responders.Finding) {
		t.Helper()
		found, err := r.Verify(b.Context(), env, change)
		if diff := cmp.Diff(want, found); diff != "" || err != nil {
			t.Errorf("error %v, %s", err, diff)
		}
	}
	look(responders.Finding{Outcome: responders.OutcomeNotVerified, Detail: []string{"a is in service"}})
	if err := r.Apply(b.allowed(), env, change); err != nil {
		t.Fatal(err)
	}
	look(responders.Finding{Outcome: responders.OutcomePartly, Detail: []string{"pod/shop/db-0 is still bound to a", "a still has 1 volume attached"}})
	if err := collect(b.Context(), b.own); err != nil {
		t.Fatal(err)
	}
	look(responders.Finding{Outcome: responders.OutcomeVerified})
}

func TestReleaseLeavesTheTaintOfAHumanUnclaimed(t *testing.T) {
	b := newBench(t, aNode("a", tainted(outOfService)), aPod("a", "db-0", "StatefulSet"))
	b.power.off = true
	r := NewRelease(b.clusters, b.switches())
	before := b.node("a")
	if err := r.Apply(b.allowed(), env, b.preview(r, "a")); err != nil {
		t.Fatal(err)
	}
	b.wantUntouched(before)
}
