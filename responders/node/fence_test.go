package node

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

func TestFenceChoosesItsWay(t *testing.T) {
	type want struct {
		Class    policies.Class
		Nothing  bool
		Warnings []string
		Will     []string
	}
	for name, c := range map[string]struct {
		power *lever
		node  func() *bench
		want  want
	}{
		"a switch that says on": {&lever{}, func() *bench { return newBench(t, aNode("a")) },
			want{Class: policies.Disruptive, Will: []string{"power off a by its power switch, then see it off"}}},
		"a switch that says off": {&lever{off: true}, func() *bench { return newBench(t, aNode("a")) },
			want{Nothing: true, Will: []string{"a is off already: its power switch says so"}}},
		"a provider that says shut down": {&lever{unknown: errPower}, func() *bench { return newBench(t, aNode("a", shutDown)) },
			want{Nothing: true, Will: []string{"a is off already: its shutdown taint says so"}}},
		"a switch that cannot be asked": {&lever{unknown: errPower}, func() *bench {
			return newBench(t, aNode("a"), aPod("a", "db-0", "StatefulSet", "data", "log"), aPod("a", "db-1", "StatefulSet", "data"), aPod("b", "x", "StatefulSet", "far"))
		}, want{Class: policies.Destructive, Warnings: []string{"if a still runs, both copies may write to 2 volumes"},
			Will: []string{"record that people take a for dead; nothing proves that it is off: its power switch cannot be asked: the switch has lost its mind"}}},
		"no switch and no volumes": {nil, func() *bench { return newBench(t, aNode("a")) },
			want{Class: policies.Destructive, Warnings: []string{"if a still runs, its pods run twice"},
				Will: []string{"record that people take a for dead; nothing proves that it is off: no power switch is configured for cluster east"}}},
	} {
		t.Run(name, func(t *testing.T) {
			b := c.node()
			switches := map[string]Power{}
			if c.power != nil {
				switches["east"] = c.power
			}
			change := b.preview(NewFence(b.clusters, switches), "a")
			got := want{change.Class, change.Nothing, change.Warnings, change.Will}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFenceWritesDownHow(t *testing.T) {
	b := newBench(t, aNode("a"))
	r := NewFence(b.clusters, b.switches())
	if err := r.Apply(b.allowed(), env, b.preview(r, "a")); err != nil {
		t.Fatal(err)
	}
	want := `{"incident":"inc-1","proof":"power switch","at":"2030-01-01T00:00:00Z"}`
	if got := b.node("a").Annotations[FencedAnnotation]; got != want || b.power.pulled != 1 {
		t.Errorf("the mark is %s, want %s; the switch was pulled %d times", got, want, b.power.pulled)
	}
}

// A plan that promised proof must not go on without it.
func TestFenceNeverWeakens(t *testing.T) {
	for name, c := range map[string]struct {
		lever lever
		says  string
	}{
		"the switch refuses":            {lever{refusal: errPower}, "power off a: the switch has lost its mind"},
		"the switch cannot be asked":    {lever{unknown: errPower}, "ask the power switch about a"},
		"the switch never comes to off": {lever{stuck: true}, "never said that it is off"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, aNode("a"))
			r := NewFence(b.clusters, b.switches())
			change, before := b.preview(r, "a"), b.node("a")
			*b.power = c.lever
			b.wantError(r.Apply(b.allowedFor(time.Second), env, change), c.says)
			b.wantUntouched(before)
			if found, err := r.Verify(b.Context(), env, change); found.Outcome == responders.OutcomeVerified {
				t.Errorf("Verify says %+v, error %v", found, err)
			}
		})
	}
	t.Run("the switch is gone", func(t *testing.T) {
		b := newBench(t, aNode("a"))
		change, before := b.preview(NewFence(b.clusters, b.switches()), "a"), b.node("a")
		b.wantError(NewFence(b.clusters, nil).Apply(b.allowed(), env, change), "no power switch is configured")
		b.wantUntouched(before)
	})
}

// A node that renewed its Lease since the plan was made runs: it is not powered off. One that did not, is.
func TestFenceSparesANodeThatSpeaksAgain(t *testing.T) {
	for _, speaks := range []bool{true, false} {
		b := newBench(t, aNode("a"), aLease("a"))
		r := NewFence(b.clusters, b.switches())
		change := b.preview(r, "a")
		if speaks {
			b.renew("a")
		}
		err := r.Apply(b.allowed(), env, change)
		if speaks {
			b.wantError(err, "it has renewed its Lease at 2029-12-31T23:50:01Z, after the plan was made")
		}
		if pulled := b.power.pulled > 0; pulled == speaks || !speaks && err != nil {
			t.Errorf("it speaks again: %t; the switch was pulled: %t, error %v", speaks, pulled, err)
		}
	}
}

// renew has the Lease of a node be renewed once.
func (b *bench) renew(node string) {
	b.Helper()
	lease := aLease(node)
	renewed := metav1.NewMicroTime(silentSince.Add(time.Second))
	lease.Spec.RenewTime = &renewed
	patch, err := json.Marshal(map[string]any{"spec": lease.Spec})
	if err == nil {
		_, err = b.own.CoordinationV1().Leases(lease.Namespace).Patch(b.Context(), node, types.MergePatchType, patch, metav1.PatchOptions{})
	}
	if err != nil {
		b.Fatal(err)
	}
}

// TestWhoSpeaksAgainIsNotTakenForDead: that people accepted the risk of nodes that are silent says nothing of one that has spoken since. Of a zone
// the others stay lost, so that nothing else would hold the plan back.
func TestWhoSpeaksAgainIsNotTakenForDead(t *testing.T) {
	b := newBench(t, aNode("a"), aLease("a"), aPod("a", "db-0", "StatefulSet", "data"))
	fence, release := NewFence(b.clusters, nil), NewRelease(b.clusters, nil)
	fencing, releasing := b.preview(fence, "a"), b.preview(release, "a")
	if err := fence.Apply(b.allowed(), env, fencing); err != nil {
		t.Fatal(err)
	}
	b.renew("a")
	before := b.node("a")
	b.wantError(release.Apply(b.allowed(), env, releasing), "node a keeps its volumes", "it runs again")
	b.wantUntouched(before)

	b = newBench(t, aNode("a"), aLease("a"))
	fence, before = NewFence(b.clusters, nil), b.node("a")
	fencing = b.preview(fence, "a")
	b.renew("a")
	b.wantError(fence.Apply(b.allowed(), env, fencing), "take node a for dead", "it runs again")
	b.wantUntouched(before)
}

// goesDark answers with errors for a while after it was switched off, as machines do that take their controller with them.
type goesDark struct {
	lever
	errors int
}

func (g *goesDark) IsOff(ctx context.Context, node string) (bool, error) {
	if g.pulled > 0 && g.errors > 0 {
		g.errors--
		return false, errPower
	}
	return g.lever.IsOff(ctx, node)
}

func TestFenceAsksAgainWhileTheMachineGoesDown(t *testing.T) {
	b := newBench(t, aNode("a"))
	power := &goesDark{errors: 2}
	r := NewFence(b.clusters, map[string]Power{"east": power})
	if err := r.Apply(b.allowed(), env, b.preview(r, "a")); err != nil || power.errors != 0 {
		t.Errorf("Apply: %v with %d errors left", err, power.errors)
	}
}

func TestFenceSparesTheLastControlPlaneNode(t *testing.T) {
	b := newBench(t, aNode("a", controlPlane, ready), aNode("b", controlPlane), aNode("c", ready))
	r := NewFence(b.clusters, b.switches())
	_, err := r.Preview(b.Context(), env, named("a"))
	b.wantError(err, "no other control plane node is ready")

	b = newBench(t, aNode("a", controlPlane, ready), aNode("b", controlPlane, ready))
	r = NewFence(b.clusters, b.switches())
	change := b.preview(r, "a")
	b.patch("b", map[string]any{"status": map[string]any{"conditions": []any{}}})
	b.wantError(r.Apply(b.allowed(), env, change), "no other control plane node is ready")
	if b.power.pulled != 0 {
		t.Error("the power was cut")
	}
}

func TestFenceAsksNobodyAboutAnotherNode(t *testing.T) {
	b := newBench(t, aNode("a"))
	r := NewFence(b.clusters, b.switches())
	change := b.preview(r, "a")
	change.Targets[0].UID = "another"
	if err := r.Apply(b.allowed(), env, change); !errors.Is(err, errGone) || b.power.pulled != 0 {
		t.Errorf("Apply: %v, the switch was pulled %d times", err, b.power.pulled)
	}
}
