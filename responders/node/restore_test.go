package node

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/policies"
)

func TestRestoreTakesBackOnlyItsOwn(t *testing.T) {
	ours := []func(*corev1.Node){annotated(CordonedAnnotation, "inc-1"), annotated(ReleasedAnnotation, "inc-1"), annotated(FencedAnnotation, acceptedMark)}
	theirs := []func(*corev1.Node){annotated(CordonedAnnotation, "inc-0"), annotated(ReleasedAnnotation, "inc-0"),
		annotated(FencedAnnotation, `{"incident":"inc-0","proof":"accepted"}`)}
	state := []func(*corev1.Node){ready, cordoned, tainted(outOfService)}
	type left struct {
		Cordoned, OutOfService bool
		Marks                  int
	}
	for name, c := range map[string]struct {
		marks   []func(*corev1.Node)
		nothing bool
		want    left
	}{
		"all is ours":             {ours, false, left{}},
		"all is of another":       {theirs, true, left{true, true, 3}},
		"nobody says":             {nil, true, left{true, true, 0}},
		"a human's cordon":        {ours[1:], false, left{Cordoned: true}},
		"a human's taint":         {[]func(*corev1.Node){ours[0], ours[2]}, false, left{OutOfService: true}},
		"only fenced by us":       {ours[2:], false, left{true, true, 0}},
		"theirs, fenced by us":    {[]func(*corev1.Node){theirs[0], theirs[1], ours[2]}, false, left{true, true, 2}},
		"cordoned by us, theirs ": {[]func(*corev1.Node){ours[0], theirs[1], theirs[2]}, false, left{false, true, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, aNode("a", append(state, c.marks...)...))
			r := NewRestore(b.clusters)
			change := b.preview(r, "a")
			if change.Nothing != c.nothing || c.nothing != (change.Class == policies.Observe) {
				t.Errorf("the change is %+v", change)
			}
			if err := r.Apply(b.allowed(), env, change); err != nil {
				t.Fatal(err)
			}
			n := b.node("a")
			got := left{n.Spec.Unschedulable, taintOf(n, outOfService.Key) != nil, len(n.Annotations) - 1}
			if diff := cmp.Diff(c.want, got); diff != "" || n.Annotations["other"] != "stays" || taintOf(n, "other") == nil {
				t.Errorf("%s\nannotations %v, taints %v", diff, n.Annotations, n.Spec.Taints)
			}
		})
	}
}

func TestRestoreNamesItsCommands(t *testing.T) {
	b := newBench(t, aNode("a", ready, cordoned, tainted(outOfService), annotated(CordonedAnnotation, "inc-1"), annotated(ReleasedAnnotation, "inc-1")))
	change := b.preview(NewRestore(b.clusters), "a")
	want := "kubectl uncordon a && kubectl taint node a node.kubernetes.io/out-of-service=nodeshutdown:NoExecute- && " +
		"kubectl annotate node a salvor.io/cordoned- salvor.io/released-"
	if change.Command != want {
		t.Errorf("the command is %s, want %s", change.Command, want)
	}
	if diff := cmp.Diff([]string{"a takes pods again, is in service again and loses the marks of this incident"}, change.Will); diff != "" {
		t.Error(diff)
	}
}

func TestRestoreWantsAReadyNode(t *testing.T) {
	b := newBench(t, aNode("a", cordoned, annotated(CordonedAnnotation, "inc-1")))
	r := NewRestore(b.clusters)
	_, err := r.Preview(b.Context(), env, named("a"))
	b.wantError(err, "restore node a: it is not ready")

	b = newBench(t, aNode("a", ready, cordoned, annotated(CordonedAnnotation, "inc-1")))
	r = NewRestore(b.clusters)
	change := b.preview(r, "a")
	b.patch("a", map[string]any{"status": map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "Unknown"}}}})
	before := b.node("a")
	b.wantError(r.Apply(b.allowed(), env, change), "it is not ready")
	b.wantUntouched(before)
}
