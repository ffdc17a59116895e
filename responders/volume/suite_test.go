package volume

import (
	"context"
	"fmt"
	"maps"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/responderstest"
)

func TestSnapshotSuite(t *testing.T) {
	t.Parallel()
	responderstest.Run(t, responderstest.Case{Name: "two claims", Args: responders.Args{"namespace": "shop", "claims": []string{"data", "logs"}}, World: func(t *testing.T) *responderstest.World {
		clusters, tape, _, _ := aWorld(t, concat(installed(), aVolume("data"), aVolume("logs")))
		return &responderstest.World{Responder: NewSnapshot(clusters), Env: env, Tape: tape}
	}})
}

func TestImportSuite(t *testing.T) {
	t.Parallel()
	world := func(objects ...runtime.Object) func(t *testing.T) *responderstest.World {
		return func(t *testing.T) *responderstest.World {
			clusters, tape, _, _ := aWorld(t, installed(objects...))
			return &responderstest.World{Responder: NewImport(clusters), Env: env, Tape: tape}
		}
	}
	stated := responders.Args{"namespace": "shop", "claim": "data", "handle": "handle-far", "driver": driver, "size": "10Gi"}
	lazy := responders.Args{"namespace": "shop", "claim": "data", "handle": "handle-far", "driver": driver, "size": "20Gi", "storageClass": "lazy", "class": "snap", "accessMode": "ReadWriteMany"}
	unknown := maps.Clone(stated)
	unknown["handle"] = "handle-none"
	responderstest.Run(t,
		responderstest.Case{Name: "a handle", Args: stated, World: world()},
		responderstest.Case{Name: "a handle that leads to nothing", Args: unknown, World: world(), Fails: "since the storage refuses it: can not find snapshot handle-none; what was made for it is taken back"},
		responderstest.Case{Name: "a storage that is full", Args: stated, Fails: "since the storage refuses it: rpc error: code = ResourceExhausted desc = quota exceeded; what was made for it is taken back", World: func(t *testing.T) *responderstest.World {
			clusters, tape, _, _ := aWorldOf(t, installed(), protectClaims, refuseClaims, cutSnapshots)
			return &responderstest.World{Responder: NewImport(clusters), Env: env, Tape: tape}
		}},
		responderstest.Case{Name: "a storage that is full, and tries on", Args: stated, Fails: "the storage still works with snapshot shop/data-salvor-", World: func(t *testing.T) *responderstest.World {
			clusters, tape, _, _ := aWorldOf(t, installed(), protectClaims, refuseClaims, cutSnapshots, holdSnapshots)
			return &responderstest.World{Responder: NewImport(clusters), Env: env, Tape: tape}
		}},
		responderstest.Case{Name: "a class that waits for pods", Args: lazy, World: world()},
		responderstest.Case{Name: "of another cluster", Args: responders.Args{"namespace": "shop", "claim": "data", "fromCluster": "west"}, World: func(t *testing.T) *responderstest.World {
			clusters, tape, _, _ := aWorld(t, installed())
			far, err := responderstest.NewServer(installed(aSnapshot("far", "data", at(2, 0))...)...)
			if err != nil {
				t.Fatal(err)
			}
			west, err := tape.Clusters(far.Config(), far.Config())
			if err != nil {
				t.Fatal(err)
			}
			return &responderstest.World{Responder: NewImport(two{clusters, west}), Env: env, Tape: tape}
		}},
	)
}

// end is how a restored claim is to be.
type end struct {
	content string // of the claim's volume
	kept    bool   // the old volume is
	kind    string // of the workload, and how many replicas it has
	replica int32
}

// holds holds the world against the end of a restore.
func (e end) holds(client kubernetes.Interface) func(context.Context) error {
	return func(ctx context.Context) error {
		claim, err := client.CoreV1().PersistentVolumeClaims("shop").Get(ctx, "data", metav1.GetOptions{})
		if err != nil {
			return err
		}
		volume, err := client.CoreV1().PersistentVolumes().Get(ctx, claim.Spec.VolumeName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if got := volume.Spec.CSI.VolumeHandle; got != e.content || volume.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimDelete {
			return fmt.Errorf("the claim holds %s, policy %s, want %s, Delete", got, volume.Spec.PersistentVolumeReclaimPolicy, e.content)
		}
		claims, err := client.CoreV1().PersistentVolumeClaims("shop").List(ctx, metav1.ListOptions{})
		if err != nil || len(claims.Items) != 1 {
			return fmt.Errorf("%d claims are left: %w", len(claims.Items), err)
		}
		if e.kept {
			old, err := client.CoreV1().PersistentVolumes().Get(ctx, "pv-data", metav1.GetOptions{})
			if err != nil || old.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimRetain || old.Labels[KeptUntilLabel] != "20300108T030200Z" {
				return fmt.Errorf("the old volume is not kept: %w, %+v", err, old)
			}
			if claim.Labels["app"] != "shop" || claim.Annotations["team"] != "blue" || claim.Annotations["pv.kubernetes.io/bind-completed"] != "" {
				return fmt.Errorf("the claim is not like the old one: %+v", claim.ObjectMeta)
			}
		}
		return e.runs(ctx, client)
	}
}

func (e end) runs(ctx context.Context, client kubernetes.Interface) error {
	var has *int32
	var meta metav1.ObjectMeta
	var err error
	switch e.kind {
	case "":
		return nil
	case "Deployment":
		var d *appsv1.Deployment
		if d, err = client.AppsV1().Deployments("shop").Get(ctx, "db", metav1.GetOptions{}); err == nil {
			has, meta = d.Spec.Replicas, d.ObjectMeta
		}
	case "StatefulSet":
		var d *appsv1.StatefulSet
		if d, err = client.AppsV1().StatefulSets("shop").Get(ctx, "db", metav1.GetOptions{}); err == nil {
			has, meta = d.Spec.Replicas, d.ObjectMeta
		}
	case "ReplicaSet":
		var d *appsv1.ReplicaSet
		if d, err = client.AppsV1().ReplicaSets("shop").Get(ctx, "db", metav1.GetOptions{}); err == nil {
			has, meta = d.Spec.Replicas, d.ObjectMeta
		}
	}
	if err != nil || has == nil || *has != e.replica || meta.Annotations[StoppedAnnotation] != "" {
		return fmt.Errorf("the %s does not run as before: %w, %v, %+v", e.kind, err, has, meta.Annotations)
	}
	return nil
}

// watchful fails the test when a volume of the list is lost that was there.
func watchful(t *testing.T, server *responderstest.Server) {
	seen := map[string]bool{}
	server.Play(func(s *responderstest.Stage) {
		there := map[string]bool{}
		for _, volume := range s.All("", "persistentvolumes") {
			there[volume.GetName()] = true
			if volume.GetName() == "pv-data" || volume.GetLabels()[ForLabel] != "" {
				seen[volume.GetName()] = true
			}
		}
		for name := range seen {
			if !there[name] {
				t.Errorf("volume %s is lost", name)
			}
		}
	})
}

func restoreCase(name string, args responders.Args, e end, objects func() []runtime.Object) responderstest.Case {
	return responderstest.Case{Name: name, Args: args, Staged: true, World: func(t *testing.T) *responderstest.World {
		clusters, tape, own, server := aWorld(t, objects())
		watchful(t, server)
		return &responderstest.World{Responder: NewRestore(clusters), Env: env, Tape: tape, React: e.holds(own)}
	}}
}

func TestRestoreSuite(t *testing.T) {
	t.Parallel()
	args := func(more responders.Args) responders.Args {
		out := responders.Args{"namespace": "shop", "claim": "data"}
		for key, value := range more {
			out[key] = value
		}
		return out
	}
	in := func(lists ...[]runtime.Object) func() []runtime.Object {
		return func() []runtime.Object {
			return concat(installed(aSnapshot("two", "data", at(2, 0))...), aSnapshot("one", "data", at(1, 0)), concat(lists...))
		}
	}
	stop := args(responders.Args{"stop": true})
	var cases []responderstest.Case
	for _, kind := range []string{"Deployment", "StatefulSet", "ReplicaSet"} {
		cases = append(cases, restoreCase("used by a "+kind, stop, end{"two", true, kind, 2}, func() []runtime.Object { return in(aVolume("data"), using(kind, "db", 2, "data"))() }))
	}
	released := func(c *corev1.PersistentVolumeClaim, v *corev1.PersistentVolume) {
		v.Spec.PersistentVolumeReclaimPolicy, v.Status.Phase = corev1.PersistentVolumeReclaimRetain, corev1.VolumeReleased
	}
	cases = append(cases,
		restoreCase("used by nobody, an older one", args(responders.Args{"snapshot": "one", "storageClass": "disk"}), end{content: "one", kept: true}, func() []runtime.Object { return in(aVolume("data"))() }),
		restoreCase("a class that waits for pods", args(nil), end{content: "two", kept: true}, func() []runtime.Object { return in(aVolume("data", lazily))() }),
		restoreCase("compared", args(responders.Args{"stop": true, "compare": true}), end{"two", true, "Deployment", 2}, func() []runtime.Object {
			return in(aVolume("data"), using("Deployment", "db", 2, "data"), aComparer("check", "data"))()
		}),
		restoreCase("held by a pod that has ended", stop, end{content: "two", kept: true}, func() []runtime.Object { return in(aVolume("data"), leftOver(1))() }),
		restoreCase("held by many pods that have ended", stop, end{content: "two", kept: true}, func() []runtime.Object { return in(aVolume("data"), leftOver(70))() }),
		restoreCase("its volume is lost", args(nil), end{content: "two"}, func() []runtime.Object { return in(aVolume("data")[:1])() }),
		restoreCase("it is gone, and its volume there", args(nil), end{content: "two"}, func() []runtime.Object { return in(aVolume("data", released)[1:])() }),
		restoreCase("it is gone", args(nil), end{content: "two"}, in()),
	)
	full := restoreCase("a storage that is full", args(nil), end{}, nil)
	full.Fails = "since the storage refuses it: rpc error: code = ResourceExhausted desc = quota exceeded; what was made for it is taken back"
	full.World = func(t *testing.T) *responderstest.World {
		clusters, tape, _, _ := aWorldOf(t, in(aVolume("data"))(), protectClaims, refuseClaims)
		return &responderstest.World{Responder: NewRestore(clusters), Env: env, Tape: tape}
	}
	responderstest.Run(t, append(cases, full)...)
}
