package restores

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/salvor-io/salvor/responders"
)

// locked is a storage location with keys that the object store does not know.
const locked = `
apiVersion: v1
kind: Secret
metadata: {name: wrong-keys, namespace: velero}
stringData: {cloud: "[default]\naws_access_key_id=nobody\naws_secret_access_key=nothing\n"}
---
apiVersion: velero.io/v1
kind: BackupStorageLocation
metadata: {name: locked, namespace: velero}
spec:
  provider: aws
  validationFrequency: 5s
  credential: {name: wrong-keys, key: cloud}
  objectStorage: {bucket: BUCKET, prefix: locked}
  config: {profile: default, region: REGION, s3ForcePathStyle: "true", s3Url: "URL", checksumAlgorithm: ""}
`

// TestWhatIsRefused asks for what cannot be done. Each time it is said what, why and what to do, and nothing is written.
func TestWhatIsRefused(t *testing.T) {
	a, _ := clusters(t)
	a.openSmall(t, "refused")
	plain := responders.Args{"namespaces": []string{"refused"}, "volumes": false}
	good := a.backsUp(t, plain)
	short := run(t, a, "velero.backup", responders.Args{"namespaces": []string{"refused"}, "ttl": "1s"}, named("short")).verified(t)
	expired := a.made(t, backups, short.env)[0].GetName()
	leaving := a.backsUpAndDeletes(t)
	a.addLocked(t)
	from := func(backup string) responders.Args {
		return responders.Args{"namespaces": []string{"refused"}, "backup": backup, "mapping": "refused=refused-check"}
	}
	was := a.velero(t)
	for _, c := range []struct {
		name, use string
		args      responders.Args
		says      []string
	}{
		{"no backup", "velero.restore", responders.Args{"namespaces": []string{"nobody"}}, []string{"no backup can be restored: ", good + ": namespace nobody is not in it"}},
		{"no backup of that name", "velero.restore", from("unheard-of"), []string{"backup unheard-of cannot be restored: there is no backup of that name; these can be: ", good}},
		{"expired", "velero.restore", from(expired), []string{"backup " + expired + " cannot be restored: it expired at "}},
		{"being deleted", "velero.restore", from(leaving), []string{"backup " + leaving + " cannot be restored: it is being deleted"}},
		{"an existing namespace", "velero.restore", plain, []string{"restore into namespace refused: it is there; restore into another one by mapping, or say what is to become of what is in it by existing: none or update"}},
		{"an existing namespace, whole", "namespace.restore", responders.Args{"namespaces": []string{"refused"}}, []string{"restore into namespace refused: it is there"}},
		{"wrong credentials", "velero.backup", responders.Args{"namespaces": []string{"refused"}, "location": "locked"},
			[]string{"back up to storage location locked: it cannot be used: it is Unavailable: ", "StatusCode: 404, api error XAdminUserNotFound"}},
		{"another location", "velero.backup", responders.Args{"location": "elsewhere"}, []string{"there is no storage location elsewhere; there are default, locked"}},
		{"a namespace that is not there", "velero.backup", responders.Args{"namespaces": []string{"nobody"}}, []string{"back up namespace nobody: it is not there"}},
		{"a point before the fault began", "velero.restore", responders.Args{"namespaces": []string{"refused"}, "mapping": "refused=refused-check"}, []string{good + ": it was begun at", "after the fault began at"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := run(t, a, c.use, c.args, func(s *step) {
				s.env.Promises = []responders.Promise{{Namespaces: []string{"*"}, Tier: 1}}
				if strings.Contains(c.name, "fault") {
					s.env.Broken = time.Now().Add(-time.Hour)
				}
			})
			for _, text := range c.says {
				out.refuses(t, text)
			}
			a.isAsBefore(t, was)
		})
	}
	t.Run("the store is gone", func(t *testing.T) { a.refusesWithoutStore(t, from(good), plain) })
}

// backsUpAndDeletes makes a backup and begins to delete it, which something holds up until the test ends.
func (c *cluster) backsUpAndDeletes(t *testing.T) string {
	t.Helper()
	made := run(t, c, "velero.backup", responders.Args{"namespaces": []string{"refused"}, "volumes": false}, named("leaving")).verified(t)
	name := c.made(t, backups, made.env)[0].GetName()
	finalize := func(finalizers string) []string {
		return []string{"-n", "velero", "patch", "backups.velero.io", name, "--type", "merge", "-p", `{"metadata":{"finalizers":[` + finalizers + `]}}`}
	}
	c.kubectl(t, finalize(`"example.com/hold"`)...)
	t.Cleanup(func() { _, _ = c.Kubectl(context.Background(), "admin", finalize("")...) })
	c.kubectl(t, "-n", "velero", "delete", "backups.velero.io", name, "--wait=false")
	return name
}

// addLocked makes a storage location that Velero may not use, and waits until it has found out.
func (c *cluster) addLocked(t *testing.T) {
	t.Helper()
	bucket := c.pair.store.Bucket()
	c.apply(t, strings.NewReplacer("BUCKET", bucket.Name, "REGION", bucket.Region, "URL", bucket.URL).Replace(locked))
	t.Cleanup(func() {
		_ = c.admin.Resource(locations).Namespace("velero").Delete(context.Background(), "locked", metav1.DeleteOptions{})
	})
	c.awaitLocation(t, "locked", "Unavailable")
}

func (c *cluster) awaitLocation(t *testing.T, name, want string) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		if got := phase(c.find(t, locations, "velero", name)); got != want {
			return fmt.Errorf("the storage location %s is %s", name, got)
		}
		return nil
	})
}

// refusesWithoutStore has the object store fail, and be back.
func (c *cluster) refusesWithoutStore(t *testing.T, restore, backup responders.Args) {
	if err := c.pair.store.Fail(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.awaitLocation(t, "default", "Unavailable")
	was := c.velero(t)
	run(t, c, "velero.restore", restore).refuses(t, "its storage location default cannot be read: it is Unavailable: ")
	run(t, c, "velero.backup", backup).refuses(t, "back up to storage location default: it cannot be used: it is Unavailable: ")
	c.isAsBefore(t, was)
	if err := c.pair.store.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.awaitLocation(t, "default", "Available")
	c.pair.b.awaitLocation(t, "default", "Available")
}

// TestOfAnotherCluster sees the backups of the other cluster: one that says so is refused, one that says nothing is not taken unless it is named.
func TestOfAnotherCluster(t *testing.T) {
	a, b := clusters(t)
	t.Parallel()
	a.openSmall(t, "foreign")
	before := a.look(t, "foreign")
	labelled := a.backsUp(t, responders.Args{"namespaces": []string{"foreign"}, "volumes": false})
	if _, err := a.Velero(t.Context(), "backup", "create", "unlabelled", "--include-namespaces", "foreign", "--snapshot-volumes=false", "--wait"); err != nil {
		t.Fatal(err)
	}
	eventually(t, 2*time.Minute, func() error {
		if b.find(t, backups, "velero", labelled) == nil || b.find(t, backups, "velero", "unlabelled") == nil {
			return errors.New("the other cluster's backups are not seen")
		}
		return nil
	})
	args := responders.Args{"namespaces": []string{"foreign"}}
	latest := run(t, b, "velero.restore", args)
	latest.refuses(t, labelled+": it is of cluster east")
	latest.refuses(t, "unlabelled: nothing says of which cluster it is: it was found in the object store, not made here")
	args["backup"] = labelled
	run(t, b, "velero.restore", args).refuses(t, "it is of cluster east")

	args["backup"] = "unlabelled"
	b.gone(t, "foreign")
	out := run(t, b, "velero.restore", args).verified(t)
	if len(out.change.Warnings) == 0 || !strings.Contains(out.change.Warnings[0], "nothing says of which cluster it is") {
		t.Errorf("people are to accept %v", out.change.Warnings)
	}
	if diff := cmp.Diff(before, b.look(t, "foreign")); diff != "" {
		t.Errorf("what came of the other cluster's backup (-there +here):\n%s", diff)
	}
}

// TestClaimWhoseVolumeIsAnothers restores a claim whose volume was given to another meanwhile: it says so, and the other keeps it.
func TestClaimWhoseVolumeIsAnothers(t *testing.T) {
	_, b := clusters(t)
	t.Parallel()
	b.gone(t, "landlord")
	b.gone(t, "tenant")
	t.Cleanup(func() { _, _ = b.Kubectl(context.Background(), "admin", "delete", "pv", "flat", "--wait=false") })
	b.apply(t, strings.ReplaceAll(flat, "NAMESPACE", "landlord"))
	b.isBound(t, "landlord")
	args := responders.Args{"namespaces": []string{"landlord"}, "volumes": false}
	backup := b.backsUp(t, args)
	b.lose(t, "landlord")
	b.kubectl(t, "patch", "pv", "flat", "--type", "merge", "-p", `{"spec":{"claimRef":null}}`)
	b.apply(t, strings.ReplaceAll(flat[strings.Index(flat, "---"):], "NAMESPACE", "tenant"))
	b.isBound(t, "tenant")

	args["backup"] = backup
	delete(args, "volumes")
	run(t, b, "velero.restore", args, func(s *step) { s.settles = 20 * time.Second }).fails(t,
		"persistentvolumeclaim/landlord/flat is not bound: its volume flat is for claim tenant/flat with UID ", "free it of that claim, or delete this one and restore without volumes")
	b.isBound(t, "tenant")
}

// flat is a claim of a volume that a person made, and the volume.
const flat = `
apiVersion: v1
kind: PersistentVolume
metadata: {name: flat}
spec:
  capacity: {storage: 16Mi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  storageClassName: by-hand
  hostPath: {path: /nowhere}
---
apiVersion: v1
kind: Namespace
metadata: {name: NAMESPACE}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: flat, namespace: NAMESPACE}
spec: {storageClassName: by-hand, volumeName: flat, accessModes: [ReadWriteOnce], resources: {requests: {storage: 16Mi}}}
`

func (c *cluster) isBound(t *testing.T, namespace string) {
	t.Helper()
	eventually(t, 30*time.Second, func() error {
		claim := c.find(t, claims, namespace, "flat")
		if got := phase(claim); got != "Bound" {
			return fmt.Errorf("claim %s/flat is %s", namespace, got)
		}
		return nil
	})
}

// TestQuota restores into a namespace that may not have that much: Velero's own results say which objects are not back and why, the rest is, and what was
// there stays.
func TestQuota(t *testing.T) {
	_, b := clusters(t)
	t.Parallel()
	b.openSmall(t, "ample")
	backup := b.backsUp(t, responders.Args{"namespaces": []string{"ample"}, "volumes": false})
	b.gone(t, "narrow")
	b.apply(t, strings.ReplaceAll(narrow, "NAMESPACE", "narrow"))
	eventually(t, 30*time.Second, func() error {
		quota := b.find(t, core("resourcequotas"), "narrow", "none")
		if used, _, _ := unstructured.NestedString(quota.Object, "status", "used", "count/cronjobs.batch"); used != "0" {
			return fmt.Errorf("the quota is not in force: %q", used)
		}
		return nil
	})
	want := b.look(t, "narrow")
	out := run(t, b, "velero.restore", responders.Args{"namespaces": []string{"ample"}, "backup": backup, "mapping": "ample=narrow", "existing": "none"})
	out.fails(t, "is incomplete, with 1 errors: ", "hourly", "exceeded quota: none")
	responder := newStep(t, b, "velero.restore", nil).responder(t, b)
	found, err := responder.Verify(t.Context(), out.env, out.change)
	if err != nil || found.Outcome != responders.OutcomePartly || !strings.Contains(strings.Join(found.Detail, "\n"), "exceeded quota: none") {
		t.Errorf("it is %+v, %v", found, err)
	}
	want["configmaps/settings"] = b.look(t, "ample")["configmaps/settings"]
	if diff := cmp.Diff(want, b.look(t, "narrow")); diff != "" {
		t.Errorf("what came back (-want +is):\n%s", diff)
	}
}

// narrow is a namespace that may have no CronJob.
const narrow = `
apiVersion: v1
kind: Namespace
metadata: {name: NAMESPACE}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: none, namespace: NAMESPACE}
spec: {hard: {count/cronjobs.batch: "0"}}
`
