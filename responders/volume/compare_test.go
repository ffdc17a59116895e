package volume

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/responderstest"
)

// aComparer is a CronJob that compares claims.
func aComparer(name, claims string, edits ...func(*batchv1.CronJob)) []runtime.Object {
	by := &batchv1.CronJob{ObjectMeta: inShop(name), Spec: batchv1.CronJobSpec{Schedule: "@yearly", Suspend: new(true)}}
	by.Annotations = map[string]string{ComparesAnnotation: claims}
	by.Spec.JobTemplate.Spec.Template.Spec = corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "check", Image: "check:1"}}, Volumes: []corev1.Volume{
		{Name: restoredVolume, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		{Name: currentVolume, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
	}}
	for _, edit := range edits {
		edit(by)
	}
	return []runtime.Object{by}
}

// soon bounds what never ends where the code is wrong.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// finding lets the job end with an answer that is not the one to go on with.
func finding(said string) func(*batchv1.CronJob) {
	return func(by *batchv1.CronJob) {
		by.Spec.JobTemplate.Annotations = map[string]string{"finds": said}
	}
}

// untouched fails the test when a claim, a volume or a workload is changed or lost that was there.
func untouched(t *testing.T, server *responderstest.Server) {
	first := map[string]string{}
	state := func(s *responderstest.Stage) map[string]string {
		now := map[string]string{}
		for _, kind := range []string{"/persistentvolumeclaims", "/persistentvolumes", "apps/deployments", "apps/statefulsets"} {
			group, resource, _ := strings.Cut(kind, "/")
			for _, o := range s.All(group, resource) {
				now[kind+" "+o.GetName()] = fmt.Sprint(o.GetUID(), o.GetLabels(), o.GetAnnotations(), o.Object["spec"])
			}
		}
		return now
	}
	server.Play(func(s *responderstest.Stage) {
		now := state(s)
		if len(first) == 0 {
			first = now
		}
		for name, was := range first {
			if now[name] != was {
				t.Errorf("%s was %s and is %s", name, was, now[name])
			}
		}
	})
}

func TestWhatCompares(t *testing.T) {
	used := using("StatefulSet", "db", 1, "data")
	pod := &corev1.Pod{ObjectMeta: inShop("db-0"), Spec: corev1.PodSpec{NodeName: "worker-7", Volumes: []corev1.Volume{holding("data")}}}
	pod.OwnerReferences = []metav1.OwnerReference{{Kind: "StatefulSet", Name: "db", UID: responderstest.UIDOf("StatefulSet", "shop", "db"), Controller: new(true)}}
	objects := concat(installed(aSnapshot("two", "data", at(2, 0))...), aVolume("data"), used, []runtime.Object{pod}, aComparer("check", "logs, data"), aComparer("other", "database"))
	clusters, _, own, _ := aWorldOf(t, objects, runJobs, bindClaims)
	r := NewRestore(clusters)
	change, err := r.Preview(t.Context(), env, responders.Args{"namespace": "shop", "claim": "data", "stop": true, "compare": true})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Apply(dying(soon(t), 2), env, change); !errors.Is(err, errDied) {
		t.Fatal(err)
	}
	token := token(env, "shop", "data")
	job, err := own.BatchV1().Jobs("shop").Get(t.Context(), "salvor-compare-"+token, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	spec := job.Spec.Template.Spec
	for i, claim := range []string{"data-salvor-" + token, "data"} {
		if lent := spec.Volumes[i].PersistentVolumeClaim; spec.Volumes[i].EmptyDir != nil || lent == nil || lent.ClaimName != claim || !lent.ReadOnly {
			t.Errorf("volume %s is %+v, want claim %s to be read only", spec.Volumes[i].Name, lent, claim)
		}
	}
	if terms := spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms; len(terms) != 1 || terms[0].MatchFields[0].Values[0] != "worker-7" {
		t.Errorf("it runs by %+v, and the claim can be read on worker-7 only", terms)
	}
	if *job.Spec.BackoffLimit != 0 || *job.Spec.ActiveDeadlineSeconds != 3600 || *job.Spec.TTLSecondsAfterFinished != 24*3600 {
		t.Errorf("job %s: %+v", job.Name, job.Spec)
	}
	for _, want := range []string{"job shop/" + job.Name + " (of CronJob check) compares it with what is there; it goes on only if that succeeds"} {
		if !slices.Contains(change.Will, want) {
			t.Errorf("will %q, not %q", change.Will, want)
		}
	}
	if wait := "wait --for=condition=Complete --timeout=1h job/" + job.Name; !strings.Contains(change.Command, wait) {
		t.Errorf("command %s lacks %s", change.Command, wait)
	}
}

// TestNothingCompares: where nobody says how to compare people are told.
func TestNothingCompares(t *testing.T) {
	clusters, _, _, _ := aWorldOf(t, concat(installed(aSnapshot("two", "data", at(2, 0))...), aVolume("data"), aComparer("other", "database")))
	change, err := NewRestore(clusters).Preview(t.Context(), env, responders.Args{"namespace": "shop", "claim": "data", "compare": true})
	if err != nil || len(change.Warnings) != 1 || !strings.Contains(change.Warnings[0], "nothing compares what comes back with what is there: no CronJob of namespace shop has the annotation salvor.io/compares: data") {
		t.Errorf("warnings %q, %v", change.Warnings, err)
	}
}

// TestNothingToCompareWith: where the old volume is gone its owner's check is not asked, and people are told.
func TestNothingToCompareWith(t *testing.T) {
	clusters, _, _, _ := aWorldOf(t, concat(installed(aSnapshot("two", "data", at(2, 0))...), aVolume("data")[:1], aComparer("check", "data")))
	change, err := NewRestore(clusters).Preview(t.Context(), env, responders.Args{"namespace": "shop", "claim": "data", "compare": true})
	if err != nil || len(change.Warnings) != 1 || !strings.Contains(change.Warnings[0], "there is nothing to compare with, and CronJob check is not asked") {
		t.Errorf("warnings %q, %v", change.Warnings, err)
	}
}

// TestAnswerAboutAnotherSnapshot: what a job found of another snapshot says nothing of this one.
func TestAnswerAboutAnotherSnapshot(t *testing.T) {
	step := token(env, "shop", "data")
	job := &batchv1.Job{ObjectMeta: inShop("salvor-compare-" + step), Status: batchv1.JobStatus{Conditions: []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}}}
	job.Labels, job.Annotations = map[string]string{ForLabel: step}, map[string]string{SnapshotAnnotation: "another"}
	refuse(t, func(c Clusters) responders.Responder { return NewRestore(c) }, responders.Args{"namespace": "shop", "claim": "data", "compare": true}, []refusal{
		{"complete", nil, concat(installed(aSnapshot("two", "data", at(2, 0))...), aVolume("data"), aComparer("check", "data"), []runtime.Object{job}), "compared another snapshot (UID another): delete it"},
	})
}

// TestUnlike: what does not compare well takes no place. It can be looked at, and is not compared again before somebody takes the answer away.
func TestUnlike(t *testing.T) {
	clusters, _, own, server := aWorld(t, concat(installed(aSnapshot("two", "data", at(2, 0))...), aVolume("data"), using("Deployment", "db", 2, "data"), aComparer("check", "data", finding("412 orders\nare missing"))))
	untouched(t, server)
	r, args := NewRestore(clusters), responders.Args{"namespace": "shop", "claim": "data", "stop": true, "compare": true}
	change, err := r.Preview(t.Context(), env, args)
	if err != nil {
		t.Fatal(err)
	}
	want := "did not succeed, and says: 412 orders are missing; claim shop/data is as it was, and what was restored from snapshot two is in claim data-salvor-"
	if err := r.Apply(always(soon(t)), env, change); !has(err, want) {
		t.Errorf("Apply says %v, want %q", err, want)
	}
	if _, err := r.Preview(t.Context(), env, args); !has(err, want) {
		t.Errorf("Preview says %v, want %q", err, want)
	}
	if err := own.BatchV1().Jobs("shop").Delete(t.Context(), "salvor-compare-"+token(env, "shop", "data"), metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Preview(t.Context(), env, args); err != nil {
		t.Errorf("Preview without the job says %v", err)
	}
}

// TestWhileItCompares: a plan that is made anew while the job runs does not take its pod for a user of the claim.
func TestWhileItCompares(t *testing.T) {
	step := token(env, "shop", "data")
	pod := &corev1.Pod{ObjectMeta: inShop("salvor-compare-x"), Spec: corev1.PodSpec{Volumes: []corev1.Volume{holding("data")}}}
	pod.Labels = map[string]string{ForLabel: step}
	clusters, _, _, _ := aWorldOf(t, concat(installed(aSnapshot("two", "data", at(2, 0))...), aVolume("data"), aComparer("check", "data"), []runtime.Object{pod}))
	if _, err := NewRestore(clusters).Preview(t.Context(), env, responders.Args{"namespace": "shop", "claim": "data", "compare": true}); err != nil {
		t.Error(err)
	}
}

func TestComparerRefused(t *testing.T) {
	in := func(more ...[]runtime.Object) []runtime.Object {
		return concat(installed(aSnapshot("two", "data", at(2, 0))...), concat(more...))
	}
	bare := func(by *batchv1.CronJob) { by.Spec.JobTemplate.Spec.Template.Spec.Volumes = nil }
	once := aVolume("data", func(c *corev1.PersistentVolumeClaim, _ *corev1.PersistentVolume) {
		c.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOncePod}
	})
	pod := &corev1.Pod{ObjectMeta: inShop("p"), Spec: corev1.PodSpec{NodeName: "worker-1", Volumes: []corev1.Volume{holding("data")}}}
	refuse(t, func(c Clusters) responders.Responder { return NewRestore(c) }, responders.Args{"namespace": "shop", "claim": "data", "compare": true}, []refusal{
		{"two of them", nil, in(aVolume("data"), aComparer("a", "data"), aComparer("b", "data")), "CronJobs a and b both say that they compare it"},
		{"no place for what is restored", nil, in(aVolume("data"), aComparer("check", "data", bare)), `compare it by CronJob check: its template has no volume named "restored"`},
		{"a claim that only one pod may use", responders.Args{"stop": true}, in(once, []runtime.Object{pod}, aComparer("check", "data")), "can be used by one pod only (ReadWriteOncePod), and is, by pod p"},
	})
}

// oneOfThree are three claims of one workload.
func oneOfThree() []runtime.Object {
	set := using("StatefulSet", "db", 2, "data")
	objects := installed()
	for _, claim := range []string{"data", "logs", "mail"} {
		objects = concat(objects, aVolume(claim), aSnapshot("of-"+claim, claim, at(2, 0)), aComparer("check-"+claim, claim))
	}
	return append(objects, sharing(set[0], "logs", "mail"))
}

// sharing lets the pods of a set use more claims.
func sharing(o runtime.Object, claims ...string) runtime.Object {
	raw, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		panic(err)
	}
	set := &unstructured.Unstructured{Object: raw}
	volumes, _, _ := unstructured.NestedSlice(raw, "spec", "template", "spec", "volumes")
	for _, claim := range claims {
		volumes = append(volumes, map[string]any{"name": claim, "persistentVolumeClaim": map[string]any{"claimName": claim}})
	}
	_ = unstructured.SetNestedSlice(raw, volumes, "spec", "template", "spec", "volumes")
	set.SetAPIVersion("apps/v1")
	set.SetKind("StatefulSet")
	return set
}

// TestClaimsOfOneWorkload: a workload of several claims runs on all of the old contents or on all of the restored ones.
func TestClaimsOfOneWorkload(t *testing.T) {
	clusters, _, _, server := aWorld(t, oneOfThree())
	watchful(t, server)
	server.Play(func(s *responderstest.Stage) {
		if s.One("", "pods", "shop", "db-0") == nil {
			return
		}
		contents := map[string]bool{}
		for _, claim := range s.All("", "persistentvolumeclaims") {
			if !strings.Contains(claim.GetName(), "-salvor-") {
				contents[fmt.Sprint(strings.HasPrefix(str(claim, "spec", "volumeName"), "pvc-"))] = true
			}
		}
		if len(contents) != 1 {
			t.Errorf("db runs on contents of two moments")
		}
	})
	r := NewClaims(clusters)
	change, err := r.Preview(t.Context(), env, responders.Args{"namespace": "shop", "stop": true, "compare": true})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Apply(always(soon(t)), env, change); err != nil {
		t.Fatal(err)
	}
	if found, err := r.Verify(t.Context(), env, change); err != nil || found.Outcome != responders.OutcomeVerified {
		t.Errorf("verified %+v, %v", found, err)
	}
}

// TestOneOfThreeIsUnlike: where one of several contents does not compare well none takes its place, nothing is stopped, and no claim beside is given up,
// however long it takes.
func TestOneOfThreeIsUnlike(t *testing.T) {
	objects := without(oneOfThree(), "check-logs")
	clusters, _, own, server := aWorld(t, concat(objects, aComparer("check-logs", "logs", finding(inItsOwnTime))))
	untouched(t, server)
	r := NewClaims(clusters)
	change, err := r.Preview(t.Context(), env, responders.Args{"namespace": "shop", "stop": true, "compare": true})
	if err != nil {
		t.Fatal(err)
	}
	compared := responders.WithProgress(always(soon(t)), func(done, _ int, _ string) {
		jobs := own.BatchV1().Jobs("shop")
		job, err := jobs.Get(t.Context(), "salvor-compare-"+token(env, "shop", "logs"), metav1.GetOptions{})
		if err != nil || done < comparedStage {
			return
		}
		torn := `{"status":{"conditions":[{"type":"Failed","status":"True","message":"torn"}]}}`
		if _, err := jobs.Patch(t.Context(), job.Name, types.MergePatchType, []byte(torn), metav1.PatchOptions{}); err != nil {
			t.Error(err)
		}
	})
	if err := r.Apply(compared, env, change); !has(err, "says: torn; claim shop/logs is as it was") {
		t.Errorf("Apply says %v", err)
	}
	if claims, err := own.CoreV1().PersistentVolumeClaims("shop").List(t.Context(), metav1.ListOptions{}); err != nil || len(claims.Items) != 6 {
		t.Errorf("%d claims are left, %v", len(claims.Items), err)
	}
}

// TestClaimsDiedAndPlannedAnew holds that a restore of all claims of a namespace which ended after any of its writes is brought to its end by a plan that
// is made then: a claim that is deleted just then is not forgotten.
func TestClaimsDiedAndPlannedAnew(t *testing.T) {
	objects := func() []runtime.Object {
		return append(concat(installed(), aVolume("data"), aSnapshot("of-data", "data", at(2, 0)), aVolume("logs"), aSnapshot("of-logs", "logs", at(2, 0))), sharing(using("StatefulSet", "db", 2, "data")[0], "logs"))
	}
	for n, args := 0, (responders.Args{"namespace": "shop", "stop": true}); ; n++ {
		clusters, _, own, server := aWorld(t, objects())
		watchful(t, server)
		r, ctx := NewClaims(clusters), soon(t)
		change, err := r.Preview(ctx, env, args)
		if err != nil {
			t.Fatal(err)
		}
		err = r.Apply(dying(ctx, n), env, change)
		if err != nil && !errors.Is(err, errDied) {
			t.Fatalf("after %d writes: %v", n, err)
		}
		again, previewed := r.Preview(ctx, env, args)
		if previewed != nil {
			t.Fatalf("planned after %d writes: %v", n, previewed)
		}
		if err := r.Apply(always(ctx), env, again); err != nil {
			t.Fatalf("applied after %d writes: %v", n, err)
		}
		if found, err := r.Verify(ctx, env, again); err != nil || found.Outcome != responders.OutcomeVerified {
			t.Errorf("verified after %d writes: %+v, %v", n, found, err)
		}
		for _, claim := range []string{"data", "logs"} {
			if held, err := own.CoreV1().PersistentVolumeClaims("shop").Get(ctx, claim, metav1.GetOptions{}); err != nil || !strings.HasPrefix(held.Spec.VolumeName, "pvc-") {
				t.Errorf("after %d writes claim %s is on %s, %v", n, claim, held.Spec.VolumeName, err)
			}
		}
		if set, err := own.AppsV1().StatefulSets("shop").Get(ctx, "db", metav1.GetOptions{}); err != nil || *set.Spec.Replicas != 2 {
			t.Errorf("after %d writes db has %d replicas, %v", n, *set.Spec.Replicas, err)
		}
		if err == nil {
			return
		}
	}
}

// TestUsedByNobodyWhenPlanned: a claim that no pod used when the plan was made, but one of its workloads does by now, is replaced before that starts again.
func TestUsedByNobodyWhenPlanned(t *testing.T) {
	clusters, _, _, server := aWorld(t, concat(installed(), aVolume("data"), aSnapshot("of-data", "data", at(2, 0)), aVolume("more"), aSnapshot("of-more", "more", at(2, 0)), using("StatefulSet", "db", 3, "data")))
	watchful(t, server)
	r := NewClaims(clusters)
	change, err := r.Preview(t.Context(), env, responders.Args{"namespace": "shop", "stop": true})
	if err != nil {
		t.Fatal(err)
	}
	grown := false
	server.Play(func(s *responderstest.Stage) {
		pod := s.One("", "pods", "shop", "db-2")
		if grown || pod == nil {
			return
		}
		_ = unstructured.SetNestedSlice(pod.Object, []any{map[string]any{"name": "more", "persistentVolumeClaim": map[string]any{"claimName": "more"}}}, "spec", "volumes")
		s.Put(pod)
		grown = true
	})
	server.Play(func(s *responderstest.Stage) {
		data, more := s.One("", "persistentvolumeclaims", "shop", "data"), s.One("", "persistentvolumeclaims", "shop", "more")
		if s.One("", "pods", "shop", "db-0") != nil && (data == nil || more == nil || (str(data, "spec", "volumeName") == "pv-data") != (str(more, "spec", "volumeName") == "pv-more")) {
			t.Error("db runs on contents of two moments")
		}
	})
	if err := r.Apply(always(soon(t)), env, change); err != nil {
		t.Fatal(err)
	}
}

// TestCheckThatWasWrong: whoever takes the check away that said no goes on without it, and what is left of it holds nothing up.
func TestCheckThatWasWrong(t *testing.T) {
	clusters, _, own, _ := aWorld(t, concat(installed(aSnapshot("two", "data", at(2, 0))...), aVolume("data"), aComparer("check", "data", finding("no such command"))))
	r, args := NewRestore(clusters), responders.Args{"namespace": "shop", "claim": "data", "stop": true, "compare": true}
	for n, want := range []string{"says: no such command", ""} {
		change, err := r.Preview(t.Context(), env, args)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Apply(always(soon(t)), env, change); (err == nil) != (want == "") || err != nil && !has(err, want) {
			t.Errorf("Apply says %v, want %q", err, want)
		}
		if n == 0 {
			if err := own.BatchV1().CronJobs("shop").Delete(t.Context(), "check", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
}
