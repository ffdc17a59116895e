package stack_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/test/stack"
)

// TestBackups starts an object store and a cluster that keeps its backups there. What is lost comes back from a backup, content and all. The
// steps build on each other. Two clusters that share a store and a storage system are in test/restores.
func TestBackups(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a real control plane")
	}
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	store, err := stack.StartStore(ctx, stack.StoreOptions{Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Stop() })
	a := cluster{t: t, Stack: start(t, stack.Options{
		Dir: t.TempDir(), Log: t.Output(), Nodes: stack.Nodes(2),
		Backups: stack.Backups{Store: store, VeleroFlags: []string{"--item-operation-sync-frequency=1s"}},
	})}
	pids := a.status()
	a.namespaceComesBack(store)
	a.veleroDiesAndReturns()
	a.storeGoesAndReturns(store)
	a.must(a.Stop())
	if used := inUse(t, a.Dir()); len(used) > 0 {
		t.Errorf("processes %v outlived the stack", used)
	}
	if left := alive(pids); len(left) > 0 {
		t.Errorf("processes %v outlived the stack", left)
	}
	if err := store.Stop(); err != nil {
		t.Error(err)
	}
	if exists(filepath.Dir(filepath.Dir(store.Files()))) {
		t.Error("the store's temporary folder is left")
	}
}

// namespaceComesBack backs a namespace up, deletes it and restores it.
func (c cluster) namespaceComesBack(store *stack.Store) {
	c.t.Helper()
	c.must(c.Apply(c.t.Context(), shop))
	lost := c.volume("data")
	c.must(os.WriteFile(filepath.Join(lost, "orders"), []byte("one order"), 0o644))
	c.velero("backup", "create", "before", "--include-namespaces", "shop", "--wait")
	if phase := c.phase("backup", "before"); phase != "Completed" {
		c.t.Fatalf("the backup is %s:\n%s", phase, c.velero("backup", "describe", "before", "--details"))
	}
	if !exists(filepath.Join(store.Files(), "backups", "before", "velero-backup.json")) {
		c.t.Error("the backup is not in the store")
	}
	c.must(os.WriteFile(filepath.Join(lost, "orders"), []byte("a later order"), 0o644))
	c.kubectl("delete", "namespace", "shop")
	eventually(c.t, 30*time.Second, "the lost volume is gone", func() error {
		if exists(lost) {
			return errors.New("it is there")
		}
		return nil
	})
	c.velero("restore", "create", "after", "--from-backup", "before", "--wait")
	c.shopIsBack("after")
}

// shopIsBack compares what a restore made with what the backup holds.
func (c cluster) shopIsBack(restore string) {
	c.t.Helper()
	if phase := c.phase("restore", restore); phase != "Completed" {
		c.t.Fatalf("the restore is %s:\n%s", phase, c.velero("restore", "describe", restore, "--details"))
	}
	if data, err := os.ReadFile(filepath.Join(c.volume("data"), "orders")); err != nil || string(data) != "one order" {
		c.t.Errorf("orders = %q, %v, want those of the backup", data, err)
	}
	for what, want := range map[string]string{
		"configmap/settings -o jsonpath={.data.currency}":    "EUR",
		"secret/password -o jsonpath={.data.password}":       "c2VjcmV0",
		"service/shop -o jsonpath={.spec.ports[0].port}":     "80",
		"deployment/shop -o jsonpath={.spec.replicas}":       "2",
		"pvc/data -o jsonpath={.spec.storageClassName}":      stack.StorageClass,
		"pvc/data -o jsonpath={.status.capacity['storage']}": "16Mi",
	} {
		if got := c.kubectl(append(strings.Fields("-n shop get"), strings.Fields(what)...)...); got != want {
			c.t.Errorf("%s = %q, want %q", what, got, want)
		}
	}
	c.kubectl("-n", "shop", "wait", "--for=condition=Available", "deployment/shop", "--timeout=60s")
}

// veleroDiesAndReturns kills Velero in the middle of a backup, which it calls failed when it is back.
func (c cluster) veleroDiesAndReturns() {
	c.t.Helper()
	ctx := c.t.Context()
	c.must(c.SetStorageMood(ctx, stack.StorageMood{RefuseSnapshots: "not now"}))
	c.velero("backup", "create", "cut-short", "--include-namespaces", "shop")
	eventually(c.t, 30*time.Second, "the backup is in progress", func() error {
		if phase := c.phase("backup", "cut-short"); phase != "InProgress" {
			return fmt.Errorf("it is %s", phase)
		}
		return nil
	})
	c.must(c.KillVelero(ctx))
	c.must(c.SetStorageMood(ctx, stack.StorageMood{}))
	eventually(c.t, 10*time.Second, "Velero's plugins are gone", func() error {
		if used := veleros(c.t, c.Dir()); len(used) > 0 {
			return fmt.Errorf("processes %v outlived Velero", used)
		}
		return nil
	})
	c.must(c.StartVelero(ctx))
	c.must(c.StartVelero(ctx)) // it runs, and so nothing happens
	eventually(c.t, 60*time.Second, "the backup has failed", func() error {
		if phase := c.phase("backup", "cut-short"); phase != "Failed" {
			return fmt.Errorf("it is %s", phase)
		}
		return nil
	})
}

// storeGoesAndReturns fails the object store and sees Velero notice, and notice again when it is back.
func (c cluster) storeGoesAndReturns(store *stack.Store) {
	c.t.Helper()
	location := []string{"-n", "velero", "get", "backupstoragelocation", "default", "-o", "jsonpath={.status.phase}"}
	phase := func(want string) func() error {
		return func() error {
			if got := c.kubectl(location...); got != want {
				return fmt.Errorf("it is %s", got)
			}
			return nil
		}
	}
	c.must(store.Fail(c.t.Context()))
	eventually(c.t, time.Minute, "the location is unavailable", phase("Unavailable"))
	c.must(store.Heal(c.t.Context()))
	eventually(c.t, time.Minute, "the location is available", phase("Available"))
}

func (c cluster) velero(args ...string) string {
	c.t.Helper()
	out, err := c.Velero(c.t.Context(), args...)
	c.must(err)
	return out
}

// phase is what Velero says of a backup or a restore.
func (c cluster) phase(kind, name string) string {
	c.t.Helper()
	return c.kubectl("-n", "velero", "get", kind+".velero.io", name, "-o", "jsonpath={.status.phase}")
}

// veleros returns the processes of a stack that are Velero or one of its plugins.
func veleros(t *testing.T, dir string) (pids []string) {
	t.Helper()
	for _, pid := range inUse(t, dir) {
		if name, err := os.Readlink(filepath.Join("/proc", pid, "exe")); err == nil && strings.Contains(filepath.Base(name), "velero") {
			pids = append(pids, pid)
		}
	}
	return pids
}
