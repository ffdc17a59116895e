package restores

import (
	"os"
	"strings"
	"testing"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/test/stack"
)

// TestVolumeImport brings a volume from one cluster to the other: first as the other cluster tells of it, then by its handle alone. What is deleted
// where it came to is there still where it came from.
func TestVolumeImport(t *testing.T) {
	a, b := clusters(t)
	a.openVault(t, "origin", "Deployment", stack.StorageClass, "one order")
	snapshot, handle := a.snapshotted(t, "origin")
	a.write(t, "origin", "data", "a later order")
	b.gone(t, "abroad")
	b.apply(t, `{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "abroad"}}`)

	args := responders.Args{"namespace": "abroad", "claim": "data", "fromCluster": east, "fromNamespace": "origin"}
	out := run(t, b, "volume.import", args).verified(t)
	if out.change.Point == nil || out.change.Point.Name != snapshot {
		t.Errorf("it leads back to %+v", out.change.Point)
	}
	if again := run(t, b, "volume.import", args).verified(t); !again.change.Nothing {
		t.Errorf("there is more to do: %v", again.change.Will)
	}
	b.heldAbroad(t, "data")
	run(t, b, "volume.import", responders.Args{"namespace": "abroad", "claim": "twice", "handle": handle, "driver": stack.CSIDriver, "size": "16Mi"}).
		refuses(t, "the cluster has it already, as snapshot abroad/data-salvor-")
	b.throwAway(t, "abroad", handle)

	a.mustHave(t, handle, "one order")
	run(t, b, "volume.import", responders.Args{"namespace": "abroad", "claim": "late", "handle": handle, "driver": stack.CSIDriver, "size": "16Mi",
		"storageClass": stack.LateStorageClass}).verified(t)
	b.heldAbroad(t, "late")
	b.throwAway(t, "abroad", handle)
	a.mustHave(t, handle, "one order")
	if got := a.read(t, "origin", "data"); got != "a later order" {
		t.Errorf("the volume it came from holds %q", got)
	}
}

// heldAbroad holds a claim that was imported against what the snapshot held.
func (c *cluster) heldAbroad(t *testing.T, claim string) {
	t.Helper()
	if got := c.read(t, "abroad", claim); got != "one order" {
		t.Errorf("claim %s holds %q", claim, got)
	}
	if policy := c.kubectl(t, "get", "volumesnapshotcontent", "-o", "jsonpath={.items[*].spec.deletionPolicy}"); strings.Contains(policy, "Delete") {
		t.Errorf("the snapshot goes with its content: %s", policy)
	}
}

// throwAway deletes all claims and snapshots of a namespace, and what stands for the snapshot of a handle.
func (c *cluster) throwAway(t *testing.T, namespace, handle string) {
	t.Helper()
	c.kubectl(t, "-n", namespace, "delete", "pvc,volumesnapshot", "--all", "--wait", "--timeout=60s")
	for _, name := range strings.Fields(c.kubectl(t, "get", "volumesnapshotcontent", "-o", `jsonpath={.items[?(@.spec.source.snapshotHandle=="`+handle+`")].metadata.name}`)) {
		c.kubectl(t, "delete", "volumesnapshotcontent", name, "--wait", "--timeout=60s")
	}
}

// mustHave holds that a snapshot is there in the storage, ready and with its content.
func (c *cluster) mustHave(t *testing.T, handle, content string) {
	t.Helper()
	if _, err := os.Stat(c.SnapshotDir(handle)); err != nil {
		t.Fatal(err)
	}
	if got := orders(t, c.SnapshotDir(handle)); got != content {
		t.Errorf("the snapshot holds %q", got)
	}
	if ready := c.kubectl(t, "-n", "origin", "get", "volumesnapshot", "-o", "jsonpath={.items[*].status.readyToUse}"); ready != "true" {
		t.Errorf("where it came from it is ready: %s", ready)
	}
}
