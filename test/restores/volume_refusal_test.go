package restores

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/test/stack"
)

// storage is all that a namespace has of volumes and snapshots, and who uses them, each as it is, state and all, but for who works with it now.
func (c *cluster) storage(t *testing.T, namespace string) map[string]any {
	t.Helper()
	all := map[string]any{}
	for _, kind := range []schema.GroupVersionResource{claims, volumes, snaps, contents, of("apps", "v1", "deployments")} {
		list, err := c.admin.Resource(kind).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range list.Items {
			of, _, _ := unstructured.NestedString(o.Object, "spec", "claimRef", "namespace")
			by, _, _ := unstructured.NestedString(o.Object, "spec", "volumeSnapshotRef", "namespace")
			if o.GetNamespace() == namespace || of == namespace || by == namespace {
				o.SetManagedFields(nil)
				o.SetResourceVersion("")
				o.SetFinalizers(nil) // a provisioner that was told to make a volume, and no more, lets the snapshot go in its own time
				all[kind.Resource+"/"+o.GetName()] = o.Object
			}
		}
	}
	return all
}

// unchanged holds that a step leaves the storage as it was, at the latest when what it took back is gone.
func (c *cluster) unchanged(t *testing.T, namespace string, before map[string]any) {
	t.Helper()
	for limit := time.Now().Add(20 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		diff := cmp.Diff(before, c.storage(t, namespace))
		if diff == "" {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("the world is not as it was (-was +is):\n%s", diff)
		}
	}
}

// TestVolumeRefusals holds what is refused before anything is done: what, why, what to do, and a world as it was.
func TestVolumeRefusals(t *testing.T) {
	a, b := clusters(t)
	a.openVault(t, "refused", "Deployment", stack.StorageClass, "one order")
	snapshot, handle := a.snapshotted(t, "refused")
	b.openVault(t, "taken", "Deployment", stack.StorageClass, "theirs")
	a.foreign(t, "refused")
	b.apply(t, `{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small", "namespace": "taken"}, "spec": {"hard": {"requests.storage": "20Mi"}}}`)
	b.kubectl(t, "-n", "taken", "wait", "--for=jsonpath={.status.used.requests\\.storage}=16Mi", "resourcequota/small", "--timeout=30s")

	restore := responders.Args{"namespace": "refused", "claim": "data", "stop": true}
	bring := responders.Args{"namespace": "taken", "claim": "new", "fromCluster": east, "fromNamespace": "refused", "fromClaim": "data"}
	for _, c := range []struct {
		name string
		at   *cluster
		use  string
		base responders.Args
		with responders.Args
		want string
	}{
		{"claim bound elsewhere", b, "volume.import", bring, responders.Args{"claim": "data"}, "the claim exists, bound to pvc-"},
		{"storage class missing in the target", b, "volume.import", bring, responders.Args{"storageClass": "fast"}, "there is no storage class fast: make it, or name another"},
		{"snapshot class missing in the target", b, "volume.import", bring, responders.Args{"class": "fast"}, "there is no snapshot class fast; of driver hostdir.csi.salvor.io: hostdir"},
		{"quota of the namespace", b, "volume.import", bring, nil, "quota small of namespace taken allows 20Mi of requests.storage, 16Mi are used and 16Mi more are needed: raise it or make room"},
		{"no such namespace", b, "volume.import", bring, responders.Args{"namespace": "nowhere"}, "there is no namespace nowhere: make it first"},
		{"driver that is not there", b, "volume.import", responders.Args{"namespace": "taken", "claim": "new", "handle": handle, "driver": "tape.example", "size": "16Mi"}, nil, "driver tape.example is not installed in this cluster"},
		{"snapshot of another driver", a, "volume.restore", restore, responders.Args{"snapshot": "tape"}, "storage class hostdir makes volumes of hostdir.csi.salvor.io, the snapshot is of driver tape.example"},
		{"storage class of nobody", a, "volume.restore", restore, responders.Args{"storageClass": "fast"}, "there is no storage class fast"},
		{"snapshot that is not there", a, "volume.restore", restore, responders.Args{"snapshot": "lost"}, "there is no snapshot lost; these would: " + snapshot},
		{"claim without snapshots", a, "volume.restore", restore, responders.Args{"claim": "logs"}, "no snapshot of claim logs serves"},
		{"claim in use", a, "volume.restore", restore, responders.Args{"stop": false}, `it is used by pod db-`},
	} {
		t.Run(c.name, func(t *testing.T) {
			space := c.base["namespace"].(string)
			args, before := maps.Clone(c.base), c.at.storage(t, space)
			maps.Copy(args, c.with)
			run(t, c.at, c.use, args).refuses(t, c.want)
			c.at.unchanged(t, space, before)
		})
	}
}

// foreign puts a snapshot of the vault's claim by another driver into a namespace, as it is when the driver has taken it.
func (c *cluster) foreign(t *testing.T, namespace string) {
	t.Helper()
	c.apply(t, fmt.Sprintf(`
{apiVersion: snapshot.storage.k8s.io/v1, kind: VolumeSnapshotContent, metadata: {name: tape-%[1]s}, spec: {deletionPolicy: Retain, driver: tape.example,
  source: {snapshotHandle: reel-7}, volumeSnapshotRef: {name: tape, namespace: %[1]s}}}
---
{apiVersion: snapshot.storage.k8s.io/v1, kind: VolumeSnapshot, metadata: {name: tape, namespace: %[1]s}, spec: {source: {volumeSnapshotContentName: tape-%[1]s}}}
`, namespace))
	c.kubectl(t, "patch", "volumesnapshotcontent", "tape-"+namespace, "--subresource=status", "--type=merge",
		"-p", `{"status": {"snapshotHandle": "reel-7", "readyToUse": true, "creationTime": 1772416800000000000, "restoreSize": 16777216}}`)
	c.kubectl(t, "-n", namespace, "wait", "--for=jsonpath={.status.readyToUse}=true", "volumesnapshot/tape", "--timeout=60s")
}

// TestVolumeStorageRefuses holds what the storage refuses when a step has begun: it is told why, and what was made for it is taken back.
func TestVolumeStorageRefuses(t *testing.T) {
	a, b := clusters(t)
	a.openVault(t, "full", "Deployment", stack.StorageClass, "one order")
	_, handle := a.snapshotted(t, "full")
	b.gone(t, "full")
	b.apply(t, `{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "full"}}`)
	short, taken := within(24*time.Second), "what was made for it is taken back, and nothing else was touched"

	t.Run("a storage that is full", func(t *testing.T) {
		before := a.storage(t, "full")
		a.mood(t, stack.StorageMood{Quota: 1})
		run(t, a, "volume.restore", responders.Args{"namespace": "full", "claim": "data", "stop": true}, short).fails(t, "quota exceeded", taken)
		a.mood(t, stack.StorageMood{})
		a.unchanged(t, "full", before)
	})
	t.Run("a storage that is full for an import", func(t *testing.T) {
		b.mood(t, stack.StorageMood{Quota: 1})
		late := responders.Args{"namespace": "full", "claim": "data", "fromCluster": east, "storageClass": stack.LateStorageClass}
		run(t, b, "volume.import", late, short).fails(t, "quota exceeded", "the storage still works with snapshot full/data-salvor-")
		if left := b.look(t, "full", claims); len(left) > 0 {
			t.Errorf("a claim waits that nobody expects: %v", left)
		}
		b.mood(t, stack.StorageMood{})
		run(t, b, "volume.import", late).verified(t) // once there is room
		b.throwAway(t, "full", handle)
	})
	t.Run("a handle that leads to nothing", func(t *testing.T) {
		before := b.storage(t, "full")
		run(t, b, "volume.import", responders.Args{"namespace": "full", "claim": "data", "handle": "snapshot-none", "driver": stack.CSIDriver, "size": "16Mi"}, short).
			fails(t, "snapshot-none", taken)
		b.unchanged(t, "full", before)
	})
}

// TestVolumeLost restores claims whose volume is lost: one that Kubernetes knows nothing of any more, and one of which the storage has nothing left.
func TestVolumeLost(t *testing.T) {
	a, _ := clusters(t)
	for name, lose := range map[string]func(t *testing.T, namespace, volume, dir string){
		"object": func(t *testing.T, namespace, volume, _ string) {
			a.kubectl(t, "delete", "pv", volume, "--wait=false")
			a.kubectl(t, "patch", "pv", volume, "--type=merge", "-p", `{"metadata": {"finalizers": null}}`)
			a.kubectl(t, "-n", namespace, "wait", "--for=jsonpath={.status.phase}=Lost", "pvc/data", "--timeout=60s")
		},
		"disk": func(t *testing.T, _, _, dir string) {
			if err := os.RemoveAll(filepath.Dir(dir)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			namespace := "lost-" + name
			a.openVault(t, namespace, "StatefulSet", stack.StorageClass, "one order")
			a.snapshotted(t, namespace)
			volume := a.bound(t, namespace, "data").GetName()
			lose(t, namespace, volume, a.volume(t, namespace, "data"))
			out := run(t, a, "volume.restore", responders.Args{"namespace": namespace, "claim": "data", "stop": true}).verified(t)
			if got := a.read(t, namespace, "data"); got != "one order" {
				t.Errorf("the claim holds %q", got)
			}
			if kept := strings.Contains(strings.Join(out.found.Detail, " "), "the old volume "+volume+" is kept, to be deleted after "); kept != (name == "disk") {
				t.Errorf("it says %v", out.found.Detail)
			}
			a.kubectl(t, "-n", namespace, "rollout", "status", "statefulset/db", "--timeout=60s")
		})
	}
}
