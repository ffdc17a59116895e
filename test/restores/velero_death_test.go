package restores

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/responders"
)

// TestSalvorDies has whoever carries a restore out die in the middle of it, and another go on: there is one Restore, and all of it comes back.
func TestSalvorDies(t *testing.T) {
	_, b := clusters(t)
	t.Parallel()
	b.openShop(t, "orphan")
	before := b.look(t, "orphan")
	b.backsUp(t, responders.Args{"namespaces": []string{"orphan"}})
	b.lose(t, "orphan")

	s := newStep(t, b, "velero.restore", responders.Args{"namespaces": []string{"orphan"}})
	out := s.preview(t, b)
	dying := s
	dying.told = func(cancel context.CancelFunc, _ string) { cancel() }
	dying.carryOut(t, b, &out)
	out.fails(t, "wait for restore")
	running := b.made(t, restores, out.env)
	if len(running) != 1 || phase(&running[0]) == "Completed" {
		t.Fatalf("%d restores were made, and one is %s", len(running), phase(&running[0]))
	}
	outlived := s
	outlived.guard = func(context.Context) error { return errors.New("another replica has taken over") }
	outlived.carryOut(t, b, &out)
	out.fails(t, "another replica has taken over")

	s.carryOut(t, b, &out)
	out.verified(t)
	made := b.made(t, restores, out.env)
	if len(made) != 1 || made[0].GetUID() != running[0].GetUID() {
		t.Errorf("%d restores were made", len(made))
	}
	if diff := cmp.Diff(before, b.look(t, "orphan")); diff != "" {
		t.Errorf("what came back (-was +is):\n%s", diff)
	}
	if got := b.read(t, "orphan", "data"); got != "one order" {
		t.Errorf("the volume holds %q", got)
	}
	again := s.preview(t, b)
	if again.refused != nil || !again.change.Nothing {
		t.Errorf("a plan made anew would do %v, %v", again.change.Will, again.refused)
	}
}

// TestVeleroDies kills Velero in the middle of a restore. When it is back it calls the restore failed, which is what Salvor says; the plan that is made then
// brings all of it back.
func TestVeleroDies(t *testing.T) {
	_, b := clusters(t)
	b.openSmall(t, "crowd")
	var many strings.Builder
	for i := range 150 {
		fmt.Fprintf(&many, "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: one-%03d, namespace: crowd}, data: {n: \"%d\"}}\n", i, i)
	}
	b.apply(t, many.String())
	before := b.look(t, "crowd")
	b.backsUp(t, responders.Args{"namespaces": []string{"crowd"}, "volumes": false})
	b.lose(t, "crowd")

	args := responders.Args{"namespaces": []string{"crowd"}}
	var once sync.Once
	out := run(t, b, "velero.restore", args, func(s *step) {
		s.told = func(_ context.CancelFunc, how string) {
			if strings.HasPrefix(how, "0 of") {
				return
			}
			once.Do(func() {
				if err := errors.Join(b.KillVelero(t.Context()), b.StartVelero(t.Context())); err != nil {
					t.Error(err)
				}
			})
		}
	})
	out.fails(t, " failed: ", "InProgress", "during the server starting")
	if n := len(b.look(t, "crowd")); n == 0 || n == len(before) {
		t.Errorf("%d of %d objects are back: it was not in the middle", n, len(before))
	}

	run(t, b, "velero.restore", args).verified(t)
	if n := len(b.made(t, restores, out.env)); n != 2 {
		t.Errorf("%d restores were made", n)
	}
	if diff := cmp.Diff(before, b.look(t, "crowd")); diff != "" {
		t.Errorf("what came back (-was +is):\n%s", diff)
	}
}
