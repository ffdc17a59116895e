package kube

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/salvor-io/salvor/events"
)

func podCensus(t *testing.T, rec *recorder) *census[seenPod] {
	return newCensus(testDesk(t, rec), func() map[string]seenPod { return podsOf(rec.KnownPods("c")) }, barePod)
}

func seePod(name string, edits ...func(*corev1.Pod)) seenPod {
	return projectPod(testPod(name, edits...), after(1e4).Time)
}

// TestCensusOfPods plays what a watch may bring against what must be told of it.
func TestCensusOfPods(t *testing.T) {
	loops := container(2, waiting("CrashLoopBackOff"), ended("Error", 1, 0, 1))
	up := container(1, running(1), ended("Error", 1, 0, 1))
	noImage := container(0, waiting("ImagePullBackOff"), corev1.ContainerState{})
	type step = func(*census[seenPod])
	list := func(v string, ps ...seenPod) step { return func(c *census[seenPod]) { c.replace(ps, nil, v) } }
	put := func(p seenPod) step { return func(c *census[seenPod]) { c.put(p) } }
	remove := func(p seenPod) step { return func(c *census[seenPod]) { c.remove(p) } }
	sick := func(name string, edits ...func(*corev1.Pod)) seenPod {
		return seePod(name, append(edits, loops)...).at(noon)
	}
	for name, c := range map[string]struct {
		known []seenPod
		steps []step
		want  []string
	}{
		"all is well":            {nil, []step{list("5", seePod("a"), seePod("b")), put(seePod("c", podVersion("6"))), remove(seePod("a", podVersion("7")))}, nil},
		"first list":             {nil, []step{list("5", seePod("b", loops), seePod("a", noImage))}, []string{"pod/shop/a ImagePullBackOff", "pod/shop/b CrashLoopBackOff"}},
		"known already":          {[]seenPod{sick("a")}, []step{list("5", seePod("a", loops, podVersion("3")))}, nil},
		"well while down":        {[]seenPod{sick("a")}, []step{list("5", seePod("a", podVersion("3")))}, []string{"pod/shop/a -"}},
		"deleted while down":     {[]seenPod{sick("a")}, []step{list("5", seePod("b"))}, []string{"pod/shop/a gone"}},
		"recreated while down":   {[]seenPod{sick("a")}, []step{list("5", seePod("a", podUID("new"), podVersion("3")))}, []string{"pod/shop/a gone"}},
		"the view is ahead":      {[]seenPod{sick("a", podVersion("9")), sick("b", podVersion("8"))}, []step{list("5", seePod("a", podVersion("3")))}, nil},
		"a successor is known":   {[]seenPod{sick("a", podVersion("9"), podUID("new"))}, []step{list("5", seePod("a", loops, podVersion("3")))}, nil},
		"a crash loop":           {nil, []step{list("5", seePod("a")), put(seePod("a", podVersion("6"), up)), put(seePod("a", podVersion("7"), loops)), put(seePod("a", podVersion("8"), container(2, running(2), ended("Error", 1, 1, 1.5)))), put(seePod("a", podVersion("9"), loops)), put(seePod("a", podVersion("10"), container(3, waiting("CrashLoopBackOff"), ended("OOMKilled", 137, 0, 1))))}, []string{"pod/shop/a CrashLoopBackOff"}},
		"sick, deleted":          {nil, []step{list("5", seePod("a", loops)), remove(seePod("a", loops, podVersion("6")))}, []string{"pod/shop/a CrashLoopBackOff", "pod/shop/a gone"}},
		"sick, well, deleted":    {nil, []step{list("5", seePod("a", loops)), put(seePod("a", podVersion("6"))), remove(seePod("a", podVersion("7")))}, []string{"pod/shop/a CrashLoopBackOff", "pod/shop/a -"}},
		"recreated":              {nil, []step{list("5", seePod("a", loops)), put(seePod("a", loops, podUID("new"), podVersion("6"))), remove(seePod("a", loops, podVersion("7")))}, []string{"pod/shop/a CrashLoopBackOff", "pod/shop/a gone", "pod/shop/a CrashLoopBackOff"}},
		"out of order":           {nil, []step{list("5", seePod("a", loops, podVersion("5"))), put(seePod("a", podVersion("4"))), remove(seePod("a", podVersion("3")))}, []string{"pod/shop/a CrashLoopBackOff"}},
		"list anew":              {nil, []step{list("5", seePod("a", loops), seePod("b", loops)), list("9", seePod("b", podVersion("8")), seePod("c", noImage))}, []string{"pod/shop/a CrashLoopBackOff", "pod/shop/b CrashLoopBackOff", "pod/shop/a gone", "pod/shop/b -", "pod/shop/c ImagePullBackOff"}},
		"unreadable":             {nil, []step{list("5", seePod("a", loops)), func(c *census[seenPod]) { c.replace(nil, []string{"shop/a"}, "9") }}, []string{"pod/shop/a CrashLoopBackOff"}},
		"nothing before a list":  {nil, []step{put(seePod("a", loops)), remove(seePod("a", loops))}, nil},
		"end of what is unknown": {nil, []step{list("5"), remove(seePod("a", loops))}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(after(3).Time))
				rec := newRecorder()
				for _, p := range c.known {
					rec.pods[p.identity().key] = p.Pod
				}
				census := podCensus(t, rec)
				for _, step := range c.steps {
					step(census)
					census.desk.out.flush()
				}
				if diff := cmp.Diff(c.want, rec.others()); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// TestGraces has pods whose trouble begins and ends by time alone, watched and known from before.
func TestGraces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon))
		rec := newRecorder()
		c := podCensus(t, rec)
		tell := func(minute float64, want ...string) {
			t.Helper()
			time.Sleep(time.Until(after(minute).Time))
			c.judge(time.Now())
			c.desk.out.flush()
			if diff := cmp.Diff(want, rec.others()); diff != "" {
				t.Errorf("minute %v: %s", minute, diff)
			}
		}
		waits, unready, back := "pod/shop/waits Unschedulable", "pod/shop/unready NotReady", "pod/shop/unready -"
		c.replace([]seenPod{seePod("waits", unplaced("Unschedulable")), seePod("unready")}, nil, "5")
		tell(1.9)
		tell(2, waits)
		c.put(seePod("unready", podVersion("6"), unreadySince(10)))
		tell(11.9, waits)
		tell(12, waits, unready)
		c.put(seePod("unready", podVersion("7"), unreadySince(12))) // it came back and went while nobody looked
		tell(12.5, waits, unready)
		other := podCensus(t, rec) // of a replica that starts now
		other.replace([]seenPod{seePod("waits", unplaced("Unschedulable")), seePod("unready", podVersion("8"), unreadySince(12.4))}, nil, "8")
		other.desk.out.flush()
		tell(13, waits, unready)
		c.put(seePod("unready", podVersion("9")))
		c.put(seePod("waits", podVersion("10")))
		tell(13, waits, unready, back, "pod/shop/waits -")
		c.put(seePod("unready", podVersion("11"), container(4, running(13), ended("Error", 1, 12, 12.5))))
		tell(13.1, waits, unready, back, "pod/shop/waits -", "pod/shop/unready CrashLoopBackOff")
		tell(22.9, waits, unready, back, "pod/shop/waits -", "pod/shop/unready CrashLoopBackOff")
		tell(23, waits, unready, back, "pod/shop/waits -", "pod/shop/unready CrashLoopBackOff", back)
		if len(c.said) != 0 || len(c.open) != 0 {
			t.Errorf("of pods that are well %d and %d are held", len(c.said), len(c.open))
		}
	})
}

// TestOneChangeIsOneEvent has two replicas see the same changes.
func TestOneChangeIsOneEvent(t *testing.T) {
	rec := newRecorder()
	for range 2 {
		known := map[string]seenPod{}
		c := newCensus(testDesk(t, rec), func() map[string]seenPod { return known }, barePod)
		c.replace([]seenPod{seePod("a")}, nil, "5")
		c.put(seePod("a", podVersion("6"), container(2, waiting("CrashLoopBackOff"), ended("Error", 1, 0, 1))))
		c.desk.out.flush()
		c.remove(seePod("a", podVersion("7")))
		c.desk.out.flush()
	}
	if diff := cmp.Diff([]string{"pod/shop/a CrashLoopBackOff", "pod/shop/a gone"}, rec.others()); diff != "" {
		t.Error(diff)
	}
	if id := rec.all[0].ID; id != "pod/uid-a/6/"+digits(sum("CrashLoopBackOff")) {
		t.Errorf("it is called %s", id)
	}
}

// TestReviewMends has the log lose what was said; it is read directly and said again, if it was lost at two reviews.
func TestReviewMends(t *testing.T) {
	loops := container(2, waiting("CrashLoopBackOff"), ended("Error", 1, 0, 1))
	client := fake.NewClientset(testPod("sick", loops, podVersion("5")), testPod("well", podVersion("6")))
	rec := newRecorder()
	c := podCensus(t, rec)
	p := newPost(c.desk, paceFor(DefaultStaleAfter), podKind(client), c)
	c.replace([]seenPod{seePod("sick", loops, podVersion("5")), seePod("well", podVersion("6"))}, nil, "6")
	c.desk.out.flush()
	p.sight.started(time.Now())
	p.sight.tookOver(time.Now())
	clear(rec.pods)
	clear(rec.ids)
	for _, lost := range []string{"gone", "well"} {
		was := seePod(lost, loops).at(noon)
		rec.pods[was.identity().key] = was.Pod
	}
	for range 2 {
		if len(rec.others()) != 1 {
			t.Errorf("said at the first review: %q", rec.others())
		}
		p.review(context.Background(), time.Now())
		c.desk.out.flush()
	}
	want := []string{"pod/shop/sick CrashLoopBackOff", "pod/shop/gone gone", "pod/shop/sick CrashLoopBackOff", "pod/shop/well -"}
	if diff := cmp.Diff(want, rec.others()); diff != "" {
		t.Error(diff)
	}
	p.review(context.Background(), time.Now())
	if len(c.doubt) != 0 {
		t.Errorf("doubts %v", c.doubt)
	}
}

// TestMuchIsListedAnew has the log lose more than is read one by one.
func TestMuchIsListedAnew(t *testing.T) {
	rec := newRecorder()
	c := podCensus(t, rec)
	p := newPost(c.desk, paceFor(DefaultStaleAfter), podKind(fake.NewClientset()), c)
	p.sight.started(time.Now())
	p.sight.tookOver(time.Now())
	c.replace(nil, nil, "5")
	for i := range maxMended + 1 {
		rec.pods["shop/"+string(rune('a'+i))] = events.Pod{Namespace: "shop", Name: string(rune('a' + i)), UID: string(rune('a' + i)), ResourceVersion: "3", Trouble: "NotReady"}
	}
	var lists int
	p.cancel = func(error) { lists++ }
	for range 3 {
		p.review(context.Background(), time.Now())
	}
	if lists != 1 {
		t.Errorf("%d lists were asked for, want 1", lists)
	}
	c.replace(nil, nil, "9")
	c.desk.out.flush()
	if n := len(rec.others()); n != maxMended+1 {
		t.Errorf("%d ends were told", n)
	}
}

// TestCensusTakesTurns holds the census under concurrent use.
func TestCensusTakesTurns(t *testing.T) {
	rec := newRecorder()
	c := podCensus(t, rec)
	var both sync.WaitGroup
	both.Go(func() {
		for range 50 {
			c.replace([]seenPod{seePod("a", unplaced("Unschedulable"))}, nil, "5")
			c.put(seePod("a", podVersion("6")))
		}
	})
	both.Go(func() {
		for range 50 {
			c.judge(time.Now())
			c.review()
			c.desk.out.flush()
		}
	})
	both.Wait()
}
