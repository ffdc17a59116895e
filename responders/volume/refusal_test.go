package volume

import (
	"maps"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/responderstest"
)

// refusal is a world in which something cannot be done, and what is said.
type refusal struct {
	name  string
	args  responders.Args
	world []runtime.Object
	want  string
}

func refuse(t *testing.T, make func(Clusters) responders.Responder, base responders.Args, cases []refusal) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			clusters, _, _, _ := aWorldOf(t, c.world)
			args := maps.Clone(base)
			maps.Copy(args, c.args)
			change, err := make(clusters).Preview(t.Context(), env, args)
			if !has(err, c.want) {
				t.Errorf("Preview gives %+v, says %v, want %q", change, err, c.want)
			}
		})
	}
}

func quota(of corev1.ResourceName, hard, used string) runtime.Object {
	limit := func(v string) corev1.ResourceList { return corev1.ResourceList{of: resource.MustParse(v)} }
	return &corev1.ResourceQuota{ObjectMeta: inShop("limits"), Status: corev1.ResourceQuotaStatus{Hard: limit(hard), Used: limit(used)}}
}

func leaving(meta *metav1.ObjectMeta) { meta.DeletionTimestamp = &metav1.Time{Time: now} }

// without leaves out the objects of a name.
func without(list []runtime.Object, name string) []runtime.Object {
	return slices.DeleteFunc(slices.Clone(list), func(o runtime.Object) bool { return o.(metav1.Object).GetName() == name })
}

func TestSnapshotRefuses(t *testing.T) {
	nfs := func(_ *corev1.PersistentVolumeClaim, v *corev1.PersistentVolume) {
		v.Spec.PersistentVolumeSource = corev1.PersistentVolumeSource{NFS: &corev1.NFSVolumeSource{}}
	}
	another := custom("VolumeSnapshotClass", "", "other", map[string]any{"driver": "tape.example"})
	second := custom("VolumeSnapshotClass", "", "snap2", map[string]any{"driver": driver})
	theirs := aSnapshot("data-salvor-"+token(env), "data", at(1, 0))[0]
	refuse(t, func(c Clusters) responders.Responder { return NewSnapshot(c) }, responders.Args{"namespace": "shop", "claims": []string{"data"}}, []refusal{
		{"no claim", nil, installed(), "there is no such claim"},
		{"a namespace that is none", responders.Args{"namespace": "*"}, installed(), `"namespace" must be the name of one object`},
		{"not bound", nil, installed(aVolume("data", func(c *corev1.PersistentVolumeClaim, _ *corev1.PersistentVolume) {
			c.Status.Phase = corev1.ClaimPending
		})...), "it is Pending and not bound"},
		{"being deleted", nil, installed(aVolume("data", func(c *corev1.PersistentVolumeClaim, _ *corev1.PersistentVolume) { leaving(&c.ObjectMeta) })...), "it is being deleted"},
		{"volume gone", nil, installed(aVolume("data")[:1]...), "its volume pv-data is gone"},
		{"no CSI", nil, installed(aVolume("data", nfs)...), "volume pv-data is an NFS volume and of no CSI driver"},
		{"no snapshot API", nil, concat([]runtime.Object{aClass("disk", nil)}, aVolume("data")), "the cluster has no snapshot API"},
		{"no class of the driver", nil, concat(without(installed(), "snap"), []runtime.Object{another}, aVolume("data")), "driver disk.example has no snapshot class"},
		{"class of another driver", responders.Args{"class": "other"}, concat(installed(another), aVolume("data")), "snapshot class other is of another driver than disk.example; of that one: snap"},
		{"no such class", responders.Args{"class": "gone"}, concat(installed(), aVolume("data")), "there is no snapshot class gone"},
		{"several classes", nil, concat(installed(second), aVolume("data")), "several snapshot classes and not one default, name one in the argument \"class\": snap, snap2"},
		{"quota", nil, concat(installed(quota("count/volumesnapshots."+snapshotGroup, "5", "5")), aVolume("data")), "quota limits of namespace shop allows 5 of count/volumesnapshots"},
		{"somebody else's snapshot", nil, concat(installed(theirs), aVolume("data")), "is there and was not made by this step"},
	})
}

func TestImportRefuses(t *testing.T) {
	known := custom("VolumeSnapshotContent", "", "known", map[string]any{"spec": map[string]any{"driver": driver, "volumeSnapshotRef": map[string]any{"namespace": "shop", "name": "had"}}, "status": map[string]any{"snapshotHandle": "handle-far"}})
	tape := aClass("tape", nil)
	tape.Provisioner = "tape.example"
	base := responders.Args{"namespace": "shop", "claim": "data", "handle": "handle-far", "driver": driver, "size": "10Gi"}
	refuse(t, func(c Clusters) responders.Responder { return NewImport(c) }, base, []refusal{
		{"no size", responders.Args{"size": ""}, installed(), `a handle needs the arguments "driver" and "size"`},
		{"a size that is none", responders.Args{"size": "much"}, installed(), "must be a quantity such as 10Gi"},
		{"an access mode that is none", responders.Args{"accessMode": "Sometimes"}, installed(), `"accessMode" must be one of`},
		{"snapshot with a handle", responders.Args{"snapshot": "x"}, installed(), `"snapshot" goes with "fromCluster"`},
		{"no namespace", nil, without(installed(), "shop"), "there is no namespace shop"},
		{"driver not installed", nil, without(installed(), driver), "driver disk.example is not installed in this cluster"},
		{"no snapshot class", nil, without(installed(), "snap"), "driver disk.example has no snapshot class"},
		{"no storage class", responders.Args{"storageClass": "gone"}, installed(), "there is no storage class gone"},
		{"storage class of another driver", responders.Args{"storageClass": "tape"}, installed(tape), "storage class tape makes volumes of tape.example"},
		{"no default storage class", nil, without(installed(), "disk"), "there are 0 default ones"},
		{"the claim is there", nil, concat(installed(), aVolume("data")), "the claim exists, bound to pv-data"},
		{"the handle is known", nil, installed(known), "the cluster has it already, as snapshot shop/had"},
		{"quota", nil, installed(quota("requests.storage", "15Gi", "10Gi")), "allows 15Gi of requests.storage, 10Gi are used and 10Gi more are needed"},
		{"no node for a class that waits", responders.Args{"storageClass": "lazy"}, without(installed(), "worker-1"), "find a node to make the volume for"},
	})
	delete(base, "handle")
	refuse(t, func(c Clusters) responders.Responder { return NewImport(c) }, base, []refusal{{"no source", nil, installed(), "exactly one of the arguments handle, fromCluster"}})
	refuse(t, func(c Clusters) responders.Responder { return NewImport(c) }, responders.Args{"namespace": "shop", "claim": "data", "fromCluster": "west"}, []refusal{
		{"size with a cluster", responders.Args{"size": "1Gi"}, installed(), `"size" goes with "handle"`},
		{"the cluster itself", responders.Args{"fromCluster": "east"}, installed(), "east is the cluster itself"},
		{"no snapshot there", nil, installed(), "find the snapshot in cluster west: no snapshot of claim data serves; if it cannot be asked"},
	})
}

func TestRestoreRefuses(t *testing.T) {
	snaps := aSnapshot("two", "data", at(2, 0))
	in := func(more ...[]runtime.Object) []runtime.Object { return concat(installed(snaps...), concat(more...)) }
	stop := responders.Args{"stop": true}
	deletes := using("StatefulSet", "db", 2, "data")
	deletes[0].(*appsv1.StatefulSet).Spec.PersistentVolumeClaimRetentionPolicy = &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{WhenScaled: appsv1.DeletePersistentVolumeClaimRetentionPolicyType}
	stoppedOther := using("StatefulSet", "db", 0, "data")
	stoppedOther[0].(*appsv1.StatefulSet).Annotations = map[string]string{StoppedAnnotation: `{"for":"x","incident":"inc-9","replicas":2}`}
	pod := func(kind, name string) []runtime.Object {
		p := &corev1.Pod{ObjectMeta: inShop("p"), Spec: corev1.PodSpec{Volumes: []corev1.Volume{holding("data")}}}
		if kind != "" {
			p.OwnerReferences = []metav1.OwnerReference{{Kind: kind, Name: name, UID: responderstest.UIDOf(kind, "shop", name), Controller: new(true)}}
		}
		return []runtime.Object{p}
	}
	begun := func(_ *corev1.PersistentVolumeClaim, v *corev1.PersistentVolume) {
		v.Annotations = map[string]string{RestoreAnnotation: "{}", IncidentAnnotation: "inc-9"}
	}
	tied := func(c *corev1.PersistentVolumeClaim, v *corev1.PersistentVolume) {
		lazily(c, v)
		v.Labels = map[string]string{corev1.LabelTopologyZone: "far"}
	}
	interim := &corev1.PersistentVolumeClaim{ObjectMeta: inShop("data-salvor-" + token(env, "shop", "data"))}
	refuse(t, func(c Clusters) responders.Responder { return NewRestore(c) }, responders.Args{"namespace": "shop", "claim": "data"}, []refusal{
		{"a claim that is none", responders.Args{"claim": "*"}, in(), `"claim" must be the name of one object`},
		{"kept for no time", responders.Args{"keep": "1m"}, in(), `"keep" must be at least 1h`},
		{"no namespace", nil, without(in(), "shop"), "there is no namespace shop"},
		{"namespace being deleted", nil, concat(without(in(), "shop"), []runtime.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", DeletionTimestamp: &metav1.Time{Time: now}}}}), "namespace shop is being deleted"},
		{"no snapshot API", nil, concat([]runtime.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}}, aVolume("data")), "the cluster has no snapshot API"},
		{"no snapshot", nil, concat(installed(), aVolume("data")), "no snapshot of claim data serves"},
		{"claim being deleted", nil, in(aVolume("data", func(c *corev1.PersistentVolumeClaim, _ *corev1.PersistentVolume) { leaving(&c.ObjectMeta) })), "it is being deleted"},
		{"claim without a volume", nil, in(aVolume("data", func(c *corev1.PersistentVolumeClaim, _ *corev1.PersistentVolume) {
			c.Spec.VolumeName, c.Status.Phase = "", "Pending"
		})), "it is Pending and has no volume"},
		{"class gone", nil, without(in(aVolume("data")), "disk"), "there is no storage class disk"},
		{"in use", nil, in(aVolume("data"), pod("ReplicaSet", "db")), `it is used by pod p: stop them, or set "stop: true"`},
		{"held by what has ended", nil, in(aVolume("data"), leftOver(1)), `it is held by pod nightly-0, ended and not deleted: delete them, or set "stop: true"`},
		{"used by a pod of nobody", stop, in(aVolume("data"), pod("", "")), "pod shop/p uses the claim and no controller"},
		{"used by a DaemonSet", stop, in(aVolume("data"), pod("DaemonSet", "agent")), "is of DaemonSet agent, which Salvor cannot stop"},
		{"stopping deletes claims", stop, in(aVolume("data"), deletes, pod("StatefulSet", "db")), "deletes the claims of pods that it gives up"},
		{"stopped by another", stop, in(aVolume("data"), stoppedOther, pod("StatefulSet", "db")), "was stopped by another step, of incident inc-9"},
		{"another restore is under way", nil, in(aVolume("data", begun)), "volume pv-data was restored for it by another step, of incident inc-9"},
		{"quota", nil, in(aVolume("data"), []runtime.Object{quota("disk.storageclass.storage.k8s.io/requests.storage", "19Gi", "10Gi")}), "allows 19Gi of disk.storageclass.storage.k8s.io/requests.storage"},
		{"no node reaches the volume's place", nil, in(aVolume("data", tied)), "none is ready, takes pods and reaches where the volume has to be"},
		{"somebody else's claim beside", nil, in(aVolume("data"), []runtime.Object{interim}), "is there and was not made by this step"},
	})
}

func TestChoose(t *testing.T) {
	snap := func(name string, taken time.Time, edits ...func(*snapshot)) snapshot {
		s := snapshot{namespace: "shop", name: name, claim: "data", content: "c", ready: true, taken: taken}
		for _, edit := range edits {
			edit(&s)
		}
		return s
	}
	failed := func(s *snapshot) { s.ready, s.wrong = false, "disk full" }
	own := func(s *snapshot) { s.incident = env.Incident }
	cases := []struct {
		name, asked string
		all         []snapshot
		want        string // chosen, or what the error says
		caution     string
	}{
		{"the newest", latest, []snapshot{snap("a", at(1, 0)), snap("b", at(2, 0)), snap("c", at(0, 0))}, "b", ""},
		{"the first by name of one moment", latest, []snapshot{snap("b", at(2, 0)), snap("a", at(2, 0))}, "a", ""},
		{"not since the fault", latest, []snapshot{snap("a", at(1, 0)), snap("b", at(2, 53))}, "a", ""},
		{"not in the second of the fault", latest, []snapshot{snap("a", at(1, 0)), snap("b", env.Broken.Add(-time.Second+1))}, "a", ""},
		{"not for this incident", latest, []snapshot{snap("a", at(1, 0)), snap("b", at(2, 0), own)}, "a", ""},
		{"not one that failed", latest, []snapshot{snap("a", at(1, 0)), snap("b", at(2, 0), failed)}, "a", ""},
		{"not of another claim", latest, []snapshot{snap("a", at(1, 0)), snap("b", at(2, 0), func(s *snapshot) { s.claim = "logs" })}, "a", ""},
		{"named", "a", []snapshot{snap("a", at(1, 0)), snap("b", at(2, 0))}, "a", ""},
		{"named, though since the fault", "b", []snapshot{snap("a", at(1, 0)), snap("b", at(3, 0))}, "b", "it was taken at 2030-01-01 03:00:00 UTC, and the fault began at 2030-01-01 02:52:00 UTC"},
		{"named, of no claim here", "a", []snapshot{snap("a", at(1, 0), func(s *snapshot) { s.claim = "" })}, "a", ""},
		{"named, of another claim", "b", []snapshot{snap("b", at(2, 0), func(s *snapshot) { s.claim = "logs" })}, "snapshot b does not serve: b: it is of claim logs", ""},
		{"named, and failed", "b", []snapshot{snap("a", at(1, 0)), snap("b", at(2, 0), failed)}, "snapshot b does not serve: b: it is not ready to use: disk full; these would: a: of 2030-01-01 01:00:00 UTC", ""},
		{"named, and not there", "x", []snapshot{snap("a", at(1, 0))}, "there is no snapshot x; these would: a: of 2030-01-01 01:00:00 UTC", ""},
		{"none serves", latest, []snapshot{snap("a", at(1, 0), failed), snap("b", at(3, 0)), snap("c", at(2, 0), func(s *snapshot) { s.deleting = true })},
			"no snapshot of claim data serves: b: it was taken at 2030-01-01 03:00:00 UTC, and the fault began at 2030-01-01 02:52:00 UTC; c: it is being deleted; a: it is not ready to use: disk full", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := choose(c.all, "data", c.asked, env)
			switch {
			case err != nil && err.Error() != c.want, err == nil && got.name != c.want:
				t.Errorf("chose %q, error %v, want %q", got.name, err, c.want)
			case got.caution != c.caution:
				t.Errorf("caution %q, want %q", got.caution, c.caution)
			}
		})
	}
}

// TestWhatPeopleAreShown holds what a restore says of itself.
func TestWhatPeopleAreShown(t *testing.T) {
	s := aScenario(t)
	change, err := s.Preview(t.Context(), env, s.args)
	if err != nil {
		t.Fatal(err)
	}
	if change.Class != policies.Destructive || change.DataLoss != "all writes after 02:00 UTC: 62 min" {
		t.Errorf("class %s, loses %q", change.Class, change.DataLoss)
	}
	wanted := []policies.Target{
		{Kind: "PersistentVolumeClaim", Namespace: "shop", Name: "data", UID: "uid-persistentvolumeclaim-shop-data"}, {Kind: "PersistentVolume", Name: "pv-data", UID: "uid-persistentvolume--pv-data"},
		{Kind: "Deployment", Namespace: "shop", Name: "db", UID: "uid-deployment-shop-db"},
	}
	if !slices.Equal(change.Targets, wanted) {
		t.Errorf("targets %+v", change.Targets)
	}
	for _, line := range []string{"Goes back to snapshot shop/two of 2030-01-01 02:00:00 UTC", "Other snapshots one: of 2030-01-01 01:00:00 UTC", "Kept volume pv-data, which the claim has now, for 168h after the claim was replaced"} {
		if !slices.ContainsFunc(change.Facts, func(f responders.Fact) bool { return f.Label+" "+f.Lines[0] == line }) {
			t.Errorf("facts %+v lack %q", change.Facts, line)
		}
	}
}
