package restores

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/test/stack"
)

// TestBackup makes a backup with all that can be said of one, and sees that Velero was told so and that it is in the object store.
func TestBackup(t *testing.T) {
	a, _ := clusters(t)
	t.Parallel()
	a.openShop(t, "kept")
	out := run(t, a, "velero.backup", responders.Args{"namespaces": []string{"kept"}, "excludeResources": []string{"secrets"}, "ttl": "48h", "clusterResources": true,
		"hooks": `pre selector=app=nobody container=db onError=Fail timeout=30s: ["fsfreeze", "-f", "/data"]`}).verified(t)
	made := a.made(t, backups, out.env)
	if len(made) != 1 {
		t.Fatalf("%d backups were made", len(made))
	}
	spec, _, _ := unstructured.NestedMap(made[0].Object, "spec")
	got := map[string]any{}
	for _, key := range []string{"includedNamespaces", "ttl", "includeClusterResources", "hooks"} {
		got[key] = spec[key]
	}
	exec := map[string]any{"command": []any{"fsfreeze", "-f", "/data"}, "container": "db", "onError": "Fail", "timeout": "30s"}
	want := map[string]any{"includedNamespaces": []any{"kept"}, "ttl": "48h0m0s", "includeClusterResources": true,
		"hooks": map[string]any{"resources": []any{map[string]any{"name": "hook-1", "labelSelector": map[string]any{"matchLabels": map[string]any{"app": "nobody"}},
			"pre": []any{map[string]any{"exec": exec}}}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what Velero was told (-want +is):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(a.pair.store.Files(), "backups", made[0].GetName(), "velero-backup.json")); err != nil {
		t.Errorf("it is not in the store: %v", err)
	}
	again := newStep(t, a, "velero.backup", nil)
	again.carryOut(t, a, &out) // as who goes on after a death
	out.verified(t)
	if n := len(a.made(t, backups, out.env)); n != 1 {
		t.Errorf("carried out twice, there are %d backups", n)
	}
}

// TestBackupThatIsIncomplete has a command fail that Velero runs in a pod, which has no container here: the backup says of which pod and why, is not
// restored from unless that is asked for, and can be made again.
func TestBackupThatIsIncomplete(t *testing.T) {
	a, _ := clusters(t)
	t.Parallel()
	a.openShop(t, "hooked")
	args := responders.Args{"namespaces": []string{"hooked"}, "volumes": false,
		"hooks": `pre selector=app=db onError=Fail timeout=5s: ["sync"]`}
	for range 2 {
		out := run(t, a, "velero.backup", args)
		out.fails(t, "is incomplete, with 2 errors: ", "db-", "Error executing hook")
	}
	made := a.made(t, backups, responders.Env{Incident: t.Name()})
	if len(made) != 2 || phase(&made[0]) != "PartiallyFailed" {
		t.Fatalf("made were %d, the first is %s", len(made), phase(&made[0]))
	}
	a.lose(t, "hooked")
	back := responders.Args{"namespaces": []string{"hooked"}, "excludeResources": []string{"persistentvolumeclaims"}}
	run(t, a, "velero.restore", back).refuses(t, "it is incomplete: PartiallyFailed with 2 errors")
}

// TestSchedule has a schedule kept: made, found as it is to be, changed, put back, and left alone where it is somebody else's.
func TestSchedule(t *testing.T) {
	a, _ := clusters(t)
	t.Parallel()
	args := responders.Args{"name": "nightly", "cron": "0 2 * * *", "namespaces": []string{"default"}, "ttl": "720h", "excludeResources": []string{"secrets"}}
	t.Cleanup(func() { _, _ = a.Velero(context.Background(), "schedule", "delete", "nightly", "theirs", "--confirm") })
	ensure := func(nothing bool, want string) *unstructured.Unstructured {
		t.Helper()
		out := run(t, a, "velero.schedule", args).verified(t)
		if out.change.Nothing != nothing {
			t.Errorf("nothing is to be done: %t, want %t", out.change.Nothing, nothing)
		}
		is := a.find(t, schedules, "velero", "nightly")
		if got, _, _ := unstructured.NestedString(is.Object, "spec", "schedule"); got != want {
			t.Errorf("it is made at %q, want %q", got, want)
		}
		return is
	}
	first := ensure(false, "0 2 * * *")
	if second := ensure(true, "0 2 * * *"); second.GetResourceVersion() != first.GetResourceVersion() {
		t.Error("it was written though it was as it is to be")
	}
	a.kubectl(t, "-n", "velero", "patch", "schedule.velero.io", "nightly", "--type", "merge", "-p", `{"spec":{"schedule":"0 5 * * 0","template":{"includedNamespaces":["other"]}}}`)
	back := ensure(false, "0 2 * * *")
	if back.GetUID() != first.GetUID() {
		t.Error("it was made anew, not put back")
	}
	if scope, _, _ := unstructured.NestedStringSlice(back.Object, "spec", "template", "includedNamespaces"); !cmp.Equal(scope, []string{"default"}) {
		t.Errorf("it takes %v", scope)
	}
	args["cron"] = "@every 6h"
	ensure(false, "@every 6h")

	if _, err := a.Velero(t.Context(), "schedule", "create", "theirs", "--schedule", "0 4 * * *"); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, func() error {
		if got := phase(a.find(t, schedules, "velero", "theirs")); got != "Enabled" {
			return fmt.Errorf("Velero has not looked at it: it is %q", got) //nolint:staticcheck // it is a name
		}
		return nil
	})
	theirs := a.find(t, schedules, "velero", "theirs")
	args["name"] = "theirs"
	run(t, a, "velero.schedule", args).refuses(t, "is another one and not Salvor's; name another, or label it")
	if diff := cmp.Diff(theirs.Object["spec"], a.find(t, schedules, "velero", "theirs").Object["spec"]); diff != "" {
		t.Errorf("somebody else's schedule was changed:\n%s", diff)
	}
}

// TestLocation freezes the storage location of a cluster while something is restored from it, and puts it back. It is the only test that does so, and
// nothing runs beside it.
func TestLocation(t *testing.T) {
	a, _ := clusters(t)
	before := a.find(t, locations, "velero", "default")
	backup := a.backsUp(t, responders.Args{"namespaces": []string{"default"}, "resources": []string{"serviceaccounts"}, "volumes": false})
	freeze := responders.Args{"mode": "readOnly"}
	run(t, a, "velero.location", freeze).verified(t)
	if out := run(t, a, "velero.location", freeze).verified(t); !out.change.Nothing {
		t.Errorf("a second time it does %v", out.change.Will)
	}
	if mode, _, _ := unstructured.NestedString(a.find(t, locations, "velero", "default").Object, "spec", "accessMode"); mode != "ReadOnly" {
		t.Errorf("its access mode is %s", mode)
	}
	run(t, a, "velero.backup", responders.Args{"namespaces": []string{"default"}}, named("another")).refuses(t, "storage location default: it is read-only; make it writable, or name another one")
	a.gone(t, "frozen")
	run(t, a, "velero.restore", responders.Args{"namespaces": []string{"default"}, "backup": backup, "mapping": "default=frozen", "resources": []string{"serviceaccounts"}}).verified(t)
	run(t, a, "velero.location", responders.Args{"mode": "asBefore"}, named("of another incident")).verified(t)
	if mode, _, _ := unstructured.NestedString(a.find(t, locations, "velero", "default").Object, "spec", "accessMode"); mode != "ReadOnly" {
		t.Errorf("another incident put it back: its access mode is %s", mode)
	}
	run(t, a, "velero.location", responders.Args{"mode": "asBefore"}).verified(t)
	after := a.find(t, locations, "velero", "default")
	for what, o := range map[string]func(*unstructured.Unstructured) any{
		"spec":        func(o *unstructured.Unstructured) any { return o.Object["spec"] },
		"annotations": func(o *unstructured.Unstructured) any { return o.GetAnnotations() },
	} {
		if diff := cmp.Diff(o(before), o(after)); diff != "" {
			t.Errorf("its %s (-was +is):\n%s", what, diff)
		}
	}
}

// named is an edit that has a step be one of another incident.
func named(incident string) func(*step) {
	return func(s *step) { s.env.Incident += " " + incident }
}

func (c *cluster) mood(t *testing.T, mood stack.StorageMood) {
	t.Helper()
	if err := c.SetStorageMood(t.Context(), mood); err != nil {
		t.Fatal(err)
	}
}

// phase is in which phase an object of Velero's is.
func phase(o *unstructured.Unstructured) string {
	if o == nil {
		return "gone"
	}
	text, _, _ := unstructured.NestedString(o.Object, "status", "phase")
	return text
}

// eventually looks until check succeeds.
func eventually(t *testing.T, patience time.Duration, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("after %s: %v", patience, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
