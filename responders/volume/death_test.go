package volume

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/responderstest"
)

// scenario is a claim that a Deployment uses and of which there is a snapshot.
type scenario struct {
	*Restore
	own    kubernetes.Interface
	server *responderstest.Server
	args   responders.Args
}

func aScenario(t *testing.T) scenario {
	t.Helper()
	clusters, _, own, server := aWorld(t, concat(installed(aSnapshot("two", "data", at(2, 0))...), aSnapshot("one", "data", at(1, 0)), aVolume("data"), using("Deployment", "db", 2, "data")))
	watchful(t, server)
	return scenario{NewRestore(clusters), own, server, responders.Args{"namespace": "shop", "claim": "data", "stop": true}}
}

var errDied = errors.New("died")

// dying lets so many writes land, and no more.
func dying(ctx context.Context, after int) context.Context {
	return responders.WithGuard(ctx, func(context.Context) error {
		if after--; after < 0 {
			return errDied
		}
		return nil
	})
}

func always(ctx context.Context) context.Context { return dying(ctx, 1000) }

// TestDiedAndPlannedAnew holds that a restore which ended after any of its writes is brought to the same end by a plan that is made then, as after a
// step that failed.
func TestDiedAndPlannedAnew(t *testing.T) {
	wanted := end{"two", true, "Deployment", 2}
	for n := 0; ; n++ {
		s, ctx := aScenario(t), t.Context()
		change, err := s.Preview(ctx, env, s.args)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Apply(dying(ctx, n), env, change); err == nil {
			if n != 11 {
				t.Errorf("it took %d writes, want 11", n)
			}
			return
		} else if !errors.Is(err, errDied) {
			t.Fatalf("after %d writes: %v", n, err)
		}
		again, err := s.Preview(ctx, env, s.args)
		if err != nil {
			t.Fatalf("planned after %d writes: %v", n, err)
		}
		if again.Nothing || again.Point == nil || again.Point.Name != "two" || len(again.Targets) == 0 {
			t.Errorf("planned after %d writes: %+v", n, again)
		}
		if err := s.Apply(always(ctx), env, again); err != nil {
			t.Fatalf("applied after %d writes: %v", n, err)
		}
		if found, err := s.Verify(ctx, env, again); err != nil || found.Outcome != responders.OutcomeVerified {
			t.Errorf("verified after %d writes: %+v, %v", n, found, err)
		}
		if err := wanted.holds(s.own)(ctx); err != nil {
			t.Errorf("after %d writes: %v", n, err)
		}
	}
}

// TestDoneAndPlannedAnew holds that a plan which is made when all is done does nothing more.
func TestDoneAndPlannedAnew(t *testing.T) {
	s, ctx := aScenario(t), t.Context()
	s.apply(t)
	change, err := s.Preview(ctx, env, s.args)
	if err != nil || !change.Nothing {
		t.Fatalf("planned anew: %+v, %v", change, err)
	}
	if found, err := s.Verify(ctx, env, change); err != nil || found.Outcome != responders.OutcomeVerified {
		t.Errorf("verified: %+v, %v", found, err)
	}
	s.args["snapshot"] = "one"
	if _, err := s.Preview(ctx, env, s.args); !has(err, "has restored snapshot two") {
		t.Errorf("another snapshot: %v", err)
	}
	another := env
	another.Incident = "inc-2"
	if change, err := s.Preview(ctx, another, s.args); err != nil || change.Nothing || change.Point.Name != "one" {
		t.Errorf("of another incident: %+v, %v", change, err)
	}
}

func (s scenario) apply(t *testing.T) {
	t.Helper()
	change, err := s.Preview(t.Context(), env, s.args)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Apply(always(t.Context()), env, change); err != nil {
		t.Fatal(err)
	}
}

// meddle lets somebody act once, as soon as what it waits for is so.
func (s scenario) meddle(act func(*responderstest.Stage) bool) {
	done := false
	s.server.Play(func(stage *responderstest.Stage) {
		if !done {
			done = act(stage)
		}
	})
}

// TestSomebodyMeddles holds what becomes of a restore into which somebody else reaches.
func TestSomebodyMeddles(t *testing.T) {
	claim := func(volume string) *unstructured.Unstructured {
		spec := map[string]any{"storageClassName": "disk", "resources": map[string]any{"requests": map[string]any{"storage": "10Gi"}}, "accessModes": []any{"ReadWriteOnce"}}
		if volume != "" {
			spec["volumeName"] = volume
		}
		return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": spec,
			"metadata": map[string]any{"namespace": "shop", "name": "data", "labels": map[string]any{"app": "shop"}, "annotations": map[string]any{"team": "blue"}}}}
	}
	gone := func(s *responderstest.Stage) bool { return s.One("", "persistentvolumeclaims", "shop", "data") == nil }
	cases := []struct {
		name string
		act  func(s *responderstest.Stage) bool
		want string // of the error; empty: it ends well all the same
	}{
		{"the claim is made anew by GitOps", func(s *responderstest.Stage) bool {
			if gone(s) {
				s.Put(claim(""))
				return true
			}
			return false
		}, ""},
		{"the claim is made anew on another volume", func(s *responderstest.Stage) bool {
			if gone(s) {
				s.Put(claim("elsewhere"))
				return true
			}
			return false
		}, "somebody made it anew; what was restored is in volume pvc-uid-made-3, what was there before in volume pv-data. Pause who does that"},
		{"the workload is started again", func(s *responderstest.Stage) bool {
			d := s.One("apps", "deployments", "shop", "db")
			if d.GetAnnotations()[StoppedAnnotation] == "" {
				return false
			}
			set(d, int64(2), "spec", "replicas")
			s.Put(d)
			return true
		}, "deployment/shop/db was stopped and somebody gave it 2 replicas again"},
		{"a pod of nobody uses it", func(s *responderstest.Stage) bool {
			if s.One("", "pods", "shop", "alone") == nil && s.One("", "persistentvolumeclaims", "shop", "data-salvor-"+token(env, "shop", "data")) != nil {
				o := podOf(s.One("apps", "replicasets", "shop", "db-1"), "alone")
				o.SetOwnerReferences(nil)
				s.Put(o)
				return true
			}
			return false
		}, "pod shop/alone uses the claim and no controller"},
		{"the snapshot is deleted first", func(s *responderstest.Stage) bool {
			s.Drop(s.One(snapshotGroup, "volumesnapshots", "shop", "two"))
			return true
		}, "snapshot two is not there any more"},
		{"the old volume is set back to Delete", func(s *responderstest.Stage) bool {
			v := s.One("", "persistentvolumes", "", "pv-data")
			if str(v, "spec", "persistentVolumeReclaimPolicy") != "Retain" {
				return false
			}
			set(v, "Delete", "spec", "persistentVolumeReclaimPolicy")
			s.Put(v)
			return true
		}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, ctx := aScenario(t), t.Context()
			change, err := s.Preview(ctx, env, s.args)
			if err != nil {
				t.Fatal(err)
			}
			s.meddle(c.act)
			err = s.Apply(always(ctx), env, change)
			switch {
			case c.want == "" && err != nil, c.want != "" && !has(err, c.want):
				t.Errorf("Apply says %v, want %q", err, c.want)
			case c.want == "":
				if err := (end{"two", true, "Deployment", 2}).holds(s.own)(ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestPutBackByHand holds that a volume which was kept once, and put back by a person, is kept anew and not until the moment of then.
func TestPutBackByHand(t *testing.T) {
	back := func(_ *corev1.PersistentVolumeClaim, v *corev1.PersistentVolume) {
		v.Labels = map[string]string{KeptUntilLabel: "20290101T000000Z", ForLabel: "before"}
		v.Annotations = map[string]string{ReplacedAnnotation: `{"for":"before","claim":"shop/data"}`}
	}
	clusters, _, own, _ := aWorld(t, concat(installed(aSnapshot("two", "data", at(2, 0))...), aVolume("data", back)))
	s := scenario{Restore: NewRestore(clusters), args: responders.Args{"namespace": "shop", "claim": "data"}}
	s.apply(t)
	if err := (end{content: "two", kept: true}).holds(own)(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestOneNameTwoClaims holds that a step of the same name about another claim is another step.
func TestOneNameTwoClaims(t *testing.T) {
	clusters, _, own, _ := aWorld(t, concat(installed(aSnapshot("two", "data", at(2, 0))...), aSnapshot("old", "logs", at(1, 0)), aVolume("data"), aVolume("logs")))
	for _, claim := range []string{"data", "logs"} {
		s := scenario{Restore: NewRestore(clusters), args: responders.Args{"namespace": "shop", "claim": claim}}
		s.apply(t)
	}
	claim, err := claimAt(t.Context(), own, "shop", "logs")
	if err != nil || claim.Annotations[RestoredAnnotation] != "old" {
		t.Errorf("the second claim is %+v, %v", claim, err)
	}
}

// TestNeverBound holds that what does not come is waited for no longer than the step has time, and that the claim is as it was then.
func TestNeverBound(t *testing.T) {
	clusters, _, own, _ := aWorldOf(t, concat(installed(aSnapshot("two", "data", at(2, 0))...), aVolume("data")), protectClaims)
	restore := NewRestore(clusters)
	change, err := restore.Preview(t.Context(), env, responders.Args{"namespace": "shop", "claim": "data"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	told := responders.WithProgress(ctx, func(done, _ int, _ string) {
		if done == 1 {
			cancel()
		}
	})
	err = restore.Apply(always(told), env, change)
	if !errors.Is(err, context.Canceled) || !has(err, fmt.Sprintf("claim shop/data-salvor-%s is not bound to a volume yet", token(env, "shop", "data"))) {
		t.Errorf("Apply says %v", err)
	}
	if claim, err := claimAt(t.Context(), own, "shop", "data"); err != nil || claim.Spec.VolumeName != "pv-data" {
		t.Errorf("the claim is not as it was: %+v, %v", claim, err)
	}
}

// TestIncidentOfTheSameID: what was restored before the fault began is not taken for restored, though the incident has the same id.
func TestIncidentOfTheSameID(t *testing.T) {
	s := aScenario(t)
	s.apply(t)
	later := env
	later.Now, later.Broken = now.Add(2*time.Hour), now.Add(time.Hour)
	if change, err := s.Preview(t.Context(), later, s.args); !has(err, "took its place before the fault began, for an incident of the same id") {
		t.Errorf("Preview gives %+v, %v", change.Will, err)
	}
}
