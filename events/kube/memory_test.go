package kube

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"
)

// BenchmarkMemoryOfPods has 5,000 nodes run 150,000 pods, of which 1 in 100 is in a crash loop and 1 in 100 is starting, and reports what
// is held of them after the first list: by the watch of pods, and by the store of an informer of client-go. What the outbox holds
// until the log has accepted it is not counted.
func BenchmarkMemoryOfPods(b *testing.B) {
	const nodes, pods = 5000, 150_000
	for b.Loop() {
		base := heap()
		rec := newRecorder()
		d := desk{cluster: "c", replica: "r", out: newOutbox(rec, quiet()), log: quiet()}
		c := newCensus(d, func() map[string]seenPod { return nil }, barePod)
		l := newLookout(d, paceFor(DefaultStaleAfter), podKind(fake.NewClientset()), c)
		list := make([]any, 0, pods)
		for i := range pods {
			list = append(list, l.kind.glance(manyPods(i, nodes)))
		}
		listed := heap() - base
		do := store[seenPod]{l}.Replace(list, "1000000")
		list = nil
		d.out.order, d.out.pending = nil, map[string]letter{}
		ours := heap() - base
		if do != nil || len(c.said) != pods/100 {
			b.Fatalf("%v; %d pods are in trouble", do, len(c.said))
		}
		runtime.KeepAlive(c)
		base = heap()
		informer := cache.NewStore(cache.MetaNamespaceKeyFunc)
		for i := range pods {
			_ = informer.Add(manyPods(i, nodes))
		}
		theirs := heap() - base
		runtime.KeepAlive(informer)
		runtime.KeepAlive(list)
		b.ReportMetric(float64(ours)/pods, "B/pod")
		b.ReportMetric(float64(listed)/pods, "B/pod-while-listing")
		b.ReportMetric(float64(theirs)/pods, "B/pod-informer")
		b.ReportMetric(float64(theirs)/float64(max(1, ours)), "times-less")
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// manyPods is one of many pods as an API server tells of it: its texts are its own.
func manyPods(i, nodes int) *corev1.Pod {
	p := testPod(fmt.Sprintf("web-%d-5d4f8c7b9d-%05d", i%1000, i))
	p.UID, p.ResourceVersion = types.UID(fmt.Sprintf("1b2c3d4e-0000-4000-8000-%012d", i)), fmt.Sprint(500000+i)
	p.Spec.NodeName = fmt.Sprintf("worker-%d", i%nodes)
	p.Spec.Containers = []corev1.Container{{Name: "app", Image: fmt.Sprintf("registry.example.org/web:%d", i%1000), Env: []corev1.EnvVar{{Name: "A", Value: fmt.Sprint(i)}}}}
	switch i % 100 {
	case 7:
		container(5, waiting(crashLoop), ended("Error", 1, 0, 1))(p)
	case 8:
		pending(p)
		now := time.Now()
		p.Status.StartTime.Time, p.Status.Conditions[1].LastTransitionTime.Time = now, now
		container(0, waiting("ContainerCreating"), corev1.ContainerState{})(p)
	}
	return p
}
