package restores

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/volume"
	"github.com/salvor-io/salvor/test/stack"
)

var (
	volumes  = core("persistentvolumes")
	snaps    = of("snapshot.storage.k8s.io", "v1", "volumesnapshots")
	contents = of("snapshot.storage.k8s.io", "v1", "volumesnapshotcontents")
)

// openVault makes a namespace in a cluster with one workload on one claim of a storage class, and writes to its volume.
func (c *cluster) openVault(t *testing.T, namespace, kind, class, orders string) {
	t.Helper()
	c.gone(t, namespace)
	manifests := fmt.Sprintf(vault, namespace, class)
	if kind == "StatefulSet" {
		manifests = strings.NewReplacer("kind: Deployment", "kind: StatefulSet", "strategy: {type: Recreate}", "serviceName: db").Replace(manifests)
	}
	c.apply(t, manifests)
	c.kubectl(t, "-n", namespace, "rollout", "status", strings.ToLower(kind)+"/db", "--timeout=90s")
	c.write(t, namespace, "data", orders)
}

const vault = `
apiVersion: v1
kind: Namespace
metadata: {name: %[1]s}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: %[1]s, labels: {app: db}, annotations: {team: blue}}
spec:
  storageClassName: %[2]s
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 16Mi}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: db, namespace: %[1]s}
spec:
  replicas: 1
  strategy: {type: Recreate}
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: db, image: "db:1", volumeMounts: [{name: data, mountPath: /data}]}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
`

// snapshotted takes a snapshot of the claim of a vault, as a nightly job would have, and gives its name and its handle.
func (c *cluster) snapshotted(t *testing.T, namespace string) (name, handle string) {
	t.Helper()
	earlier := func(s *step) { s.env.Incident = "an earlier one" }
	run(t, c, "volume.snapshot", responders.Args{"namespace": namespace, "claims": []string{"data"}}, earlier).verified(t)
	all := strings.Fields(c.kubectl(t, "-n", namespace, "get", "volumesnapshot", "-o", "jsonpath={.items[*].metadata.name}"))
	if len(all) != 1 {
		t.Fatalf("there are snapshots %v", all)
	}
	return all[0], c.handle(t, namespace, all[0])
}

// handle is by what the storage knows a snapshot.
func (c *cluster) handle(t *testing.T, namespace, snapshot string) string {
	t.Helper()
	content := c.kubectl(t, "-n", namespace, "get", "volumesnapshot", snapshot, "-o", "jsonpath={.status.boundVolumeSnapshotContentName}")
	return c.kubectl(t, "get", "volumesnapshotcontent", content, "-o", "jsonpath={.status.snapshotHandle}")
}

// orders is what the one file of a folder of the storage holds.
func orders(t *testing.T, dir string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// within bounds a step.
func within(d time.Duration) func(*step) { return func(s *step) { s.deadline = d } }

// bound is the volume of a claim, as the admin sees it.
func (c *cluster) bound(t *testing.T, namespace, claim string) *unstructured.Unstructured {
	t.Helper()
	o := c.find(t, claims, namespace, claim)
	if o == nil {
		t.Fatalf("claim %s/%s is not there", namespace, claim)
	}
	name, _, _ := unstructured.NestedString(o.Object, "spec", "volumeName")
	return c.find(t, volumes, "", name)
}

// TestVolumeSnapshot takes snapshots of a claim from a storage that is well, that refuses, and that is slow.
func TestVolumeSnapshot(t *testing.T) {
	a, _ := clusters(t)
	a.openVault(t, "snapshots", "Deployment", stack.StorageClass, "one order")
	t.Cleanup(func() { _ = a.SetStorageMood(t.Context(), stack.StorageMood{}) })
	_, handle := a.snapshotted(t, "snapshots")
	a.write(t, "snapshots", "data", "a later order")
	if got := orders(t, a.SnapshotDir(handle)); got != "one order" {
		t.Errorf("the snapshot holds %q", got)
	}

	args := responders.Args{"namespace": "snapshots", "claims": []string{"data"}}
	a.mood(t, stack.StorageMood{RefuseSnapshots: "the array is degraded"})
	run(t, a, "volume.snapshot", args, within(15*time.Second)).fails(t, "is not ready to use", "the array is degraded")
	a.mood(t, stack.StorageMood{SnapshotDelay: 6 * time.Second})
	slow := run(t, a, "volume.snapshot", args).verified(t) // the storage has come round: the step is carried out again
	if slow.took < 5*time.Second {
		t.Errorf("a slow snapshot was ready after %s", slow.took)
	}

	late := func(s *step) { s.env.Incident, s.deadline = "late", 8*time.Second }
	a.mood(t, stack.StorageMood{SnapshotDelay: 25 * time.Second})
	run(t, a, "volume.snapshot", args, late).fails(t, "the world does not agree", "is not ready to use")
	a.mood(t, stack.StorageMood{})
	unready := strings.TrimSpace(a.kubectl(t, "-n", "snapshots", "get", "volumesnapshot", "-o", `jsonpath={.items[?(@.status.readyToUse==false)].metadata.name}`))
	run(t, a, "volume.restore", responders.Args{"namespace": "snapshots", "claim": "data", "stop": true, "snapshot": unready}).
		refuses(t, "snapshot "+unready+" does not serve: "+unready+": it is not ready to use")
}

// TestVolumeRestore puts the volume of a snapshot in the place of another that was corrupted, under workloads and classes of either kind.
func TestVolumeRestore(t *testing.T) {
	a, _ := clusters(t)
	for kind, class := range map[string]string{"Deployment": stack.StorageClass, "StatefulSet": stack.LateStorageClass} {
		t.Run(kind, func(t *testing.T) {
			namespace := "swap-" + strings.ToLower(kind)
			a.openVault(t, namespace, kind, class, "one order")
			a.snapshotted(t, namespace)
			a.write(t, namespace, "data", "rubbish")
			run(t, a, "volume.restore", responders.Args{"namespace": namespace, "claim": "data"}).refuses(t, "it is used by pod db-")
			before := a.replacing(t, namespace)
			run(t, a, "volume.restore", responders.Args{"namespace": namespace, "claim": "data", "stop": true}).verified(t)
			before.replaced(t, kind)
		})
	}
}

// replacement is what is known of a vault before its volume is replaced.
type replacement struct {
	*cluster
	namespace string
	old       *unstructured.Unstructured // the volume
	dir       string                     // of its files
}

func (c *cluster) replacing(t *testing.T, namespace string) replacement {
	t.Helper()
	return replacement{c, namespace, c.bound(t, namespace, "data"), c.volume(t, namespace, "data")}
}

// replaced holds that the claim has the content of the snapshot, that the old volume is kept with what it held, and that all runs as before.
func (r replacement) replaced(t *testing.T, kind string) {
	t.Helper()
	if got := r.read(t, r.namespace, "data"); got != "one order" {
		t.Errorf("the claim holds %q", got)
	}
	if got := orders(t, r.dir); got != "rubbish" {
		t.Errorf("the old volume holds %q", got)
	}
	r.policies(t)
	claim := r.find(t, claims, r.namespace, "data")
	if claim.GetLabels()["app"] != "db" || claim.GetAnnotations()["team"] != "blue" {
		t.Errorf("the claim is labelled %v, annotated %v", claim.GetLabels(), claim.GetAnnotations())
	}
	if all := r.look(t, r.namespace, claims); len(all) != 1 {
		t.Errorf("%d claims are left", len(all))
	}
	r.kubectl(t, "-n", r.namespace, "rollout", "status", strings.ToLower(kind)+"/db", "--timeout=60s")
	workload := r.find(t, of("apps", "v1", strings.ToLower(kind)+"s"), r.namespace, "db")
	if n, _, _ := unstructured.NestedInt64(workload.Object, "status", "readyReplicas"); n != 1 || workload.GetAnnotations()[volume.StoppedAnnotation] != "" {
		t.Errorf("%d replicas are ready, annotated %v", n, workload.GetAnnotations())
	}
}

// policies holds that the old volume stays whatever becomes of it, and that the new one goes with its claim, as the old one would have.
func (r replacement) policies(t *testing.T) {
	t.Helper()
	old, fresh := r.find(t, volumes, "", r.old.GetName()), r.bound(t, r.namespace, "data")
	if old == nil || fresh == nil {
		t.Fatalf("the old volume is %v, the new one %v", old, fresh)
	}
	policy := func(o *unstructured.Unstructured) string {
		text, _, _ := unstructured.NestedString(o.Object, "spec", "persistentVolumeReclaimPolicy")
		return text
	}
	until, err := time.Parse("20060102T150405Z", old.GetLabels()[volume.KeptUntilLabel])
	if policy(old) != "Retain" || err != nil || time.Until(until).Round(time.Hour) != 168*time.Hour {
		t.Errorf("the old volume is to be kept until %s, %v: %s", until, err, policy(old))
	}
	if policy(fresh) != "Delete" || fresh.GetUID() == old.GetUID() {
		t.Errorf("the new volume is %s: %s", fresh.GetName(), policy(fresh))
	}
}
