package node

import (
	"context"
	"errors"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

func TestCordonClaimsOnlyWhatItDid(t *testing.T) {
	b := newBench(t, aNode("a"), aNode("b", cordoned))
	r := NewCordon(b.clusters)
	change := b.preview(r, "a", "b")
	if change.Class != policies.Reversible || len(change.Will) != 2 || !strings.Contains(change.Will[1], "somebody else") {
		t.Errorf("the change is %+v", change)
	}
	if err := r.Apply(b.allowed(), env, change); err != nil {
		t.Fatal(err)
	}
	if a := b.node("a"); !a.Spec.Unschedulable || a.Annotations[CordonedAnnotation] != "inc-1" || a.Annotations["other"] != "stays" {
		t.Errorf("node a has %v, unschedulable %t", a.Annotations, a.Spec.Unschedulable)
	}
	if mark, ok := b.node("b").Annotations[CordonedAnnotation]; ok {
		t.Errorf("a human's cordon was claimed for %s", mark)
	}
}

func TestCordonLeavesAHumanWhoWasFaster(t *testing.T) {
	b := newBench(t, aNode("a"))
	r := NewCordon(b.clusters)
	change := b.preview(r, "a")
	// The human cordons between look and write: the first write is in conflict, the second look finds it done.
	ctx := responders.WithGuard(b.Context(), func(context.Context) error {
		b.patch("a", map[string]any{"spec": map[string]any{"unschedulable": true}})
		return nil
	})
	if err := r.Apply(ctx, env, change); err != nil {
		t.Fatal(err)
	}
	if mark, ok := b.node("a").Annotations[CordonedAnnotation]; ok {
		t.Errorf("a human's cordon was claimed for %s", mark)
	}
}

func TestAmendGivesUpOnANodeThatNeverRests(t *testing.T) {
	b := newBench(t, aNode("a"))
	r := NewCordon(b.clusters)
	change := b.preview(r, "a")
	questions := 0
	ctx := responders.WithGuard(b.Context(), func(context.Context) error {
		questions++
		b.patch("a", map[string]any{"metadata": map[string]any{"labels": map[string]any{"n": string(rune('a' + questions))}}})
		return nil
	})
	b.wantError(r.Apply(ctx, env, change), "changed between look and write", "try again")
	if questions != conflicts || b.node("a").Spec.Unschedulable {
		t.Errorf("the guard was asked %d times, want once before each of %d writes", questions, conflicts)
	}
}

func TestAnotherNodeOfTheSameNameIsLeftAlone(t *testing.T) {
	stranger := aNode("a")
	stranger.UID = "another"
	b := newBench(t, stranger)
	before := b.node("a")
	change := responders.Change{Targets: []policies.Target{{Kind: "Node", Name: "a", UID: "uid-node--a"}}}
	r := NewCordon(b.clusters)
	if err := r.Apply(b.allowed(), env, change); !errors.Is(err, errGone) {
		t.Errorf("Apply: %v, want an error that says that the node is gone", err)
	}
	b.wantUntouched(before)
	found, err := r.Verify(b.Context(), env, change)
	if err != nil || found.Outcome != responders.OutcomeNotVerified || len(found.Detail) != 1 {
		t.Errorf("Verify says %+v, error %v", found, err)
	}
	if err := b.own.CoreV1().Nodes().Delete(b.Context(), "a", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := r.Apply(b.allowed(), env, change); !errors.Is(err, errGone) {
		t.Errorf("Apply: %v, want an error that says that the node is gone", err)
	}
}
