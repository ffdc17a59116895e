package kube

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/salvor-io/salvor/events"
)

// noon is when the pods of these tests are given to their node.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func after(minutes float64) metav1.Time {
	return metav1.NewTime(noon.Add(time.Duration(minutes * float64(time.Minute))))
}

// testPod is a pod of version 1 that has run since noon; edits change it.
func testPod(name string, edits ...func(*corev1.Pod)) *corev1.Pod {
	start, yes := after(0), true
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID("uid-" + name), ResourceVersion: "1", CreationTimestamp: start,
			Labels:          map[string]string{"pod-template-hash": "5d4f8c7b9d"},
			OwnerReferences: []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "web-5d4f8c7b9d", UID: "rs", Controller: &yes}}},
		Spec: corev1.PodSpec{NodeName: "worker-1"},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, StartTime: &start,
			Conditions: []corev1.PodCondition{
				{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: start},
				{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: start}},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "app", State: running(0)}}},
	}
	for _, edit := range edits {
		edit(p)
	}
	return p
}

func running(at float64) corev1.ContainerState {
	return corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: after(at)}}
}

func waiting(reason string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "so it says"}}
}

func ended(reason string, exit int32, from, to float64) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: reason, ExitCode: exit, StartedAt: after(from), FinishedAt: after(to)}}
}

func container(restarts int32, state, last corev1.ContainerState) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "app", RestartCount: restarts, State: state, LastTerminationState: last}}
	}
}

func podVersion(v string) func(*corev1.Pod) { return func(p *corev1.Pod) { p.ResourceVersion = v } }
func podUID(u types.UID) func(*corev1.Pod)  { return func(p *corev1.Pod) { p.UID = u } }

func unreadySince(at float64) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.Conditions[1].Status, p.Status.Conditions[1].LastTransitionTime = corev1.ConditionFalse, after(at)
	}
}

func deletedAt(asked float64) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		grace, at := int64(30), after(asked+0.5)
		p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &at, &grace
	}
}

func unplaced(reason string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.NodeName, p.Status = "", corev1.PodStatus{Phase: corev1.PodPending}
		if reason != "" {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: reason,
				Message: "0/3 nodes are available", LastTransitionTime: after(0)}}
		}
	}
}

func pending(p *corev1.Pod) {
	p.Status.Phase = corev1.PodPending
	unreadySince(0)(p)
}

func phase(ph corev1.PodPhase, reason string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Status.Phase, p.Status.Reason = ph, reason }
}

func policy(r corev1.RestartPolicy) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Spec.RestartPolicy = r }
}

// TestTroubleOfPods asks of one state of a pod what its trouble is at several minutes after noon.
func TestTroubleOfPods(t *testing.T) {
	none := corev1.ContainerState{}
	shortRun, longRun := ended("Error", 1, 0, 1), ended("Error", 1, 0, 60)
	type at map[float64]string
	for name, c := range map[string]struct {
		edits []func(*corev1.Pod)
		want  at
	}{
		"well":                     {nil, at{0: "", 60: ""}},
		"no scheduler":             {all(unplaced("")), at{1: "", 2: "Pending"}},
		"unschedulable":            {all(unplaced("Unschedulable")), at{1.9: "", 2: "Unschedulable", 600: "Unschedulable"}},
		"gated":                    {all(unplaced("SchedulingGated")), at{600: ""}},
		"its node is dead":         {all(phase(corev1.PodPending, ""), func(p *corev1.Pod) { p.Status.StartTime, p.Status.Conditions = nil, p.Status.Conditions[:1] }), at{4: "", 5: "Pending"}},
		"starting":                 {all(pending, container(0, waiting("ContainerCreating"), none)), at{4: "", 5: "ContainerCreating"}},
		"its init container works": {all(pending, container(0, waiting("PodInitializing"), none)), at{4: "", 5: "NotReady"}},
		"no image":                 {all(pending, container(0, waiting("ImagePullBackOff"), none)), at{0: "ImagePullBackOff"}},
		"no image, trying":         {all(pending, container(0, waiting("ErrImagePull"), none)), at{0: "ImagePullBackOff"}},
		"no config":                {all(pending, container(0, waiting("CreateContainerConfigError"), none)), at{0: "CreateContainerConfigError"}},
		"crashed once":             {all(container(1, running(1), shortRun)), at{1: "", 5: ""}},
		"crash loop, waits":        {all(container(2, waiting("CrashLoopBackOff"), shortRun)), at{1: "CrashLoopBackOff", 600: "CrashLoopBackOff"}},
		"crash loop, is up":        {all(container(3, running(2), shortRun)), at{2: "CrashLoopBackOff", 11: "CrashLoopBackOff", 12: ""}},
		"crash loop, just ended":   {all(container(3, shortRun, shortRun)), at{2: "CrashLoopBackOff"}},
		"crash after a long life":  {all(container(9, running(60), longRun)), at{61: ""}},
		"out of memory, waits":     {all(container(2, waiting("CrashLoopBackOff"), ended("OOMKilled", 137, 0, 1))), at{1: "OOMKilled"}},
		"out of memory, is up":     {all(container(2, running(2), ended("OOMKilled", 137, 0, 1))), at{3: "OOMKilled", 12: ""}},
		"not ready":                {all(unreadySince(60)), at{60: "", 61.9: "", 62: "NotReady"}},
		"not ready yet":            {all(unreadySince(0)), at{4.9: "", 5: "NotReady"}},
		"not ready in the future":  {all(unreadySince(9999)), at{70: "", 9000: ""}},
		"evicted":                  {all(phase(corev1.PodFailed, "Evicted")), at{0: "Evicted"}},
		"failed":                   {all(phase(corev1.PodFailed, ""), container(0, shortRun, none)), at{1: "Failed"}},
		"completed":                {all(phase(corev1.PodSucceeded, ""), container(0, ended("Completed", 0, 0, 1), none), unreadySince(1)), at{60: ""}},
		"one container is done":    {all(policy(corev1.RestartPolicyOnFailure), container(0, ended("Completed", 0, 0, 1), none)), at{60: ""}},
		"one container is lost":    {all(policy(corev1.RestartPolicyNever), container(0, shortRun, none)), at{60: "Error"}},
		"deleted while well":       {all(deletedAt(60), unreadySince(60.1), container(0, ended("Error", 143, 0, 60.2), none), policy(corev1.RestartPolicyNever)), at{70: ""}},
		"deleted on a lost node":   {all(unreadySince(30), deletedAt(60)), at{70: "NotReady"}},
		"deleted in a crash loop":  {all(container(3, waiting("CrashLoopBackOff"), shortRun), deletedAt(60)), at{61: "CrashLoopBackOff"}},
		"sidecar and a broken init": {all(pending, func(p *corev1.Pod) {
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "init", RestartCount: 4, State: waiting("CrashLoopBackOff"), LastTerminationState: shortRun}}
		}), at{1: "CrashLoopBackOff"}},
	} {
		for minute, want := range c.want {
			p := testPod("web-1", c.edits...)
			when := after(minute).Time
			seen := projectPod(p, when).at(when)
			if seen.Trouble != want || (want != "") != (seen.Message != "") && want != "Evicted" && want != "NotReady" {
				t.Errorf("%s, minute %v: %q (%s), want %q", name, minute, seen.Trouble, seen.Message, want)
			}
		}
	}
}

func all(edits ...func(*corev1.Pod)) []func(*corev1.Pod) { return edits }

// TestClocksAhead holds that a kubelet whose clock is a year ahead delays trouble by one grace.
func TestClocksAhead(t *testing.T) {
	seen := projectPod(testPod("a", unreadySince(525600)), after(70).Time)
	if next := seen.next(after(70).Time); !next.Equal(after(72).Time) || seen.at(next).Trouble != "NotReady" {
		t.Errorf("judged anew at %s", next)
	}
}

func TestProjectPod(t *testing.T) {
	got := projectPod(testPod("web-1", container(3, waiting("CrashLoopBackOff"), ended("Error", 1, 0, 1))), noon).at(noon)
	want := events.Pod{Namespace: "shop", Name: "web-1", UID: "uid-web-1", ResourceVersion: "1", Node: "worker-1",
		Owner: events.Ref{Kind: "Deployment", Name: "web"}, Revision: "5d4f8c7b9d", Trouble: "CrashLoopBackOff",
		Message: "container app: exit code 1 (Error)", Restarts: 3}
	if diff := cmp.Diff(want, got.Pod); diff != "" {
		t.Error(diff)
	}
	for name, c := range map[string]struct {
		edit     func(*corev1.Pod)
		owner    events.Ref
		revision string
	}{
		"bare ReplicaSet": {func(p *corev1.Pod) { p.Labels = nil }, events.Ref{Kind: "ReplicaSet", Name: "web-5d4f8c7b9d", UID: "rs"}, ""},
		"Job":             {func(p *corev1.Pod) { p.Labels, p.OwnerReferences[0].Kind = nil, "Job" }, events.Ref{Kind: "Job", Name: "web-5d4f8c7b9d", UID: "rs"}, ""},
		"nobody":          {func(p *corev1.Pod) { p.OwnerReferences = nil }, events.Ref{}, "5d4f8c7b9d"},
		"StatefulSet": {func(p *corev1.Pod) {
			p.Labels = map[string]string{"controller-revision-hash": "db-77"}
			p.OwnerReferences[0].Kind, p.OwnerReferences[0].Name = "StatefulSet", "db"
		}, events.Ref{Kind: "StatefulSet", Name: "db", UID: "rs"}, "db-77"},
		"DaemonSet": {func(p *corev1.Pod) {
			p.Labels = map[string]string{"controller-revision-hash": "66", "pod-template-generation": "4"}
			p.OwnerReferences[0].Kind = "DaemonSet"
		}, events.Ref{Kind: "DaemonSet", Name: "web-5d4f8c7b9d", UID: "rs"}, "4"},
	} {
		p := projectPod(testPod("web-1", c.edit), noon)
		if p.Owner != c.owner || p.Revision != c.revision {
			t.Errorf("%s: owner %+v, revision %q", name, p.Owner, p.Revision)
		}
	}
}

// FuzzProjectPod has pods of any JSON: a projection fits into an event and comes back from it saying the same.
func FuzzProjectPod(f *testing.F) {
	for _, p := range []*corev1.Pod{testPod("a"), testPod("b", unplaced("Unschedulable")), testPod("c", container(3, running(2), ended("OOMKilled", 137, 0, 1)), deletedAt(3))} {
		data, _ := json.Marshal(p)
		f.Add(data, int64(60))
	}
	f.Fuzz(func(t *testing.T, data []byte, seconds int64) {
		p := testPod("fuzzed")
		if json.Unmarshal(data, p) != nil {
			return
		}
		seen, err := readPod(p)
		if err != nil {
			return
		}
		now := noon.Add(time.Duration(seconds) * time.Second)
		seen = seen.at(now)
		_ = seen.next(now)
		_ = seen.will(now, 0)
		fits(t, seen, func(back events.Pod) uint64 { return seenPod{Pod: back}.digest() })
	})
}

// fits says whether the event of a state can be recorded, and what is known from it says the same.
func fits[E any, P state[P]](t *testing.T, p P, again func(E) uint64) {
	t.Helper()
	typ, entity, payload := p.statement()
	ev, err := events.New("id", typ, "source", "c", entity, noon, payload)
	if err != nil {
		return // a time beyond year 9999
	}
	if len(entity) <= 512 {
		if err := ev.Validate(); err != nil {
			t.Fatal(err)
		}
	}
	if back := decode[E](ev); again(back) != p.digest() {
		t.Errorf("the log says of it something else: %+v", back)
	}
}
