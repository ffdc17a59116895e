package stack_test

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/test/stack"
)

//go:embed testdata/shop.yaml
var shop []byte

// TestVolumes starts one stack with a storage system and sees claims bound, snapshots taken, and what happens when the storage
// system is not well. The steps build on each other.
func TestVolumes(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a real control plane")
	}
	t.Parallel()
	s := start(t, stack.Options{Log: t.Output(), Nodes: stack.Nodes(2), Volumes: stack.Volumes{Present: true}})
	c := cluster{t: t, Stack: s}
	c.must(c.Apply(t.Context(), shop))
	c.must(os.WriteFile(filepath.Join(c.volume("data"), "orders"), []byte("one order"), 0o644))
	c.kubectl("-n", "shop", "wait", "--for=condition=Available", "deployment/shop", "--timeout=60s")
	c.claimWaitsForItsPod()
	c.snapshotsMisbehave()
	if err := c.KillVelero(t.Context()); err == nil {
		t.Error("a Velero that is not there was killed")
	}
	if _, err := c.Velero(t.Context(), "version"); err == nil {
		t.Error("a Velero that is not there answers")
	}
}

// claimWaitsForItsPod makes a claim of the late class, which stays Pending until a pod wants it.
func (c cluster) claimWaitsForItsPod() {
	c.t.Helper()
	c.must(c.Apply(c.t.Context(), fmt.Appendf(nil, `{"apiVersion": "v1", "kind": "PersistentVolumeClaim",
		"metadata": {"name": "late", "namespace": "shop"}, "spec": {"accessModes": ["ReadWriteOnce"],
		"storageClassName": %q, "resources": {"requests": {"storage": "1Mi"}}}}`, stack.LateStorageClass)))
	eventually(c.t, 30*time.Second, "the claim waits", func() error {
		return c.holds("WaitForFirstConsumer", "events", "--field-selector", "involvedObject.name=late")
	})
	c.must(c.Apply(c.t.Context(), []byte(`{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "late", "namespace": "shop"},
		"spec": {"containers": [{"name": "late", "image": "late"}],
		"volumes": [{"name": "late", "persistentVolumeClaim": {"claimName": "late"}}]}}`)))
	c.volume("late")
}

// snapshotsMisbehave has the storage system refuse, be slow and be full.
func (c cluster) snapshotsMisbehave() {
	c.t.Helper()
	ctx := c.t.Context()
	c.must(c.SetStorageMood(ctx, stack.StorageMood{RefuseSnapshots: "the array is degraded"}))
	c.must(c.Apply(ctx, []byte(snapshotOf("refused"))))
	eventually(c.t, 30*time.Second, "the refusal is told", func() error {
		return c.holds("the array is degraded", "volumesnapshot", "refused", "-o", "jsonpath={.status.error.message}")
	})
	c.must(c.SetStorageMood(ctx, stack.StorageMood{SnapshotDelay: 5 * time.Second}))
	c.must(c.Apply(ctx, []byte(snapshotOf("slow"))))
	eventually(c.t, 30*time.Second, "the slow snapshot is taken", func() error {
		return c.holds("false", "volumesnapshot", "slow", "-o", "jsonpath={.status.readyToUse}")
	})
	for _, name := range []string{"slow", "refused"} {
		eventually(c.t, 60*time.Second, "snapshot "+name+" is ready", func() error {
			return c.holds("true", "volumesnapshot", name, "-o", "jsonpath={.status.readyToUse}")
		})
	}
	c.must(c.SetStorageMood(ctx, stack.StorageMood{Quota: 1}))
	c.must(c.Apply(ctx, []byte(claimFrom("beside", "slow"))))
	eventually(c.t, 30*time.Second, "the quota is told", func() error {
		return c.holds("quota exceeded", "events", "--field-selector", "involvedObject.name=beside")
	})
	c.must(c.SetStorageMood(ctx, stack.StorageMood{}))
	if data, err := os.ReadFile(filepath.Join(c.volume("beside"), "orders")); err != nil || string(data) != "one order" {
		c.t.Errorf("orders of the volume from the snapshot = %q, %v", data, err)
	}
}

// holds succeeds when what kubectl gets in the namespace of the shop holds a text.
func (c cluster) holds(text string, what ...string) error {
	c.t.Helper()
	if got := c.kubectl(append([]string{"-n", "shop", "get"}, what...)...); !strings.Contains(got, text) {
		return fmt.Errorf("%s is %q", what[0], got)
	}
	return nil
}

// volume waits until a claim of the shop is bound, and returns the folder of its volume.
func (c cluster) volume(claim string) string {
	c.t.Helper()
	eventually(c.t, time.Minute, "claim "+claim+" is bound", func() error {
		return c.holds("Bound", "pvc", claim, "-o", "jsonpath={.status.phase}")
	})
	name := c.kubectl("-n", "shop", "get", "pvc", claim, "-o", "jsonpath={.spec.volumeName}")
	var pv struct {
		Spec struct {
			CSI struct{ VolumeHandle string }
		}
	}
	c.must(json.Unmarshal([]byte(c.kubectl("get", "pv", name, "-o", "json")), &pv))
	return c.VolumeDir(pv.Spec.CSI.VolumeHandle)
}

func snapshotOf(name string) string {
	return fmt.Sprintf(`{"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot",
		"metadata": {"name": %q, "namespace": "shop"},
		"spec": {"volumeSnapshotClassName": %q, "source": {"persistentVolumeClaimName": "data"}}}`, name, stack.SnapshotClass)
}

func claimFrom(name, snapshot string) string {
	return fmt.Sprintf(`{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": %q, "namespace": "shop"},
		"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "16Mi"}},
		"dataSource": {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": %q}}}`, name, snapshot)
}
