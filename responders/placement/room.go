package placement

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Refusal is why a pod was not placed.
type Refusal string

// The refusals. The empty one is none: the pod was placed.
const (
	Nowhere Refusal = "no node elsewhere may run it" // whatever room there is
	Full    Refusal = "no node elsewhere has room for it"
)

// Room is what is left on the nodes that may take pods.
type Room struct{ spaces []*space }

type space struct {
	node        *corev1.Node
	total, free amounts
}

// amounts are quantities by resource: CPU in thousandths, everything else in whole units.
type amounts map[corev1.ResourceName]int64

// NewRoom is the room on those of the nodes that take pods, without what the pods bound to them request.
func NewRoom(nodes []*corev1.Node, pods []corev1.Pod) *Room {
	room, byName := &Room{}, map[string]*space{}
	for _, node := range nodes {
		if TakesPods(node) {
			s := &space{node, amountsOf(node.Status.Allocatable), amountsOf(node.Status.Allocatable)}
			room.spaces, byName[node.Name] = append(room.spaces, s), s
		}
	}
	for i := range pods {
		if s := byName[pods[i].Spec.NodeName]; s != nil && !HasEnded(&pods[i]) {
			s.take(requests(&pods[i]))
		}
	}
	return room
}

// Nodes is how many nodes have room to give.
func (r *Room) Nodes() int { return len(r.spaces) }

// Place takes room for a pod with these volumes on the first node that may run it and has room, or says why there is none.
func (r *Room) Place(pod *corev1.Pod, volumes []*corev1.PersistentVolume) Refusal {
	wanted, refusal := requests(pod), Nowhere
	for _, s := range r.spaces {
		if !mayRunOn(pod, volumes, s.node) {
			continue
		}
		if s.has(wanted) {
			s.take(wanted)
			return ""
		}
		refusal = Full
	}
	return refusal
}

// Left is how much of a resource is left on all nodes together, in percent; 0 where they have none of it.
func (r *Room) Left(name corev1.ResourceName) int {
	var total, free int64
	for _, s := range r.spaces {
		total, free = total+s.total[name], free+max(0, s.free[name])
	}
	if total == 0 {
		return 0
	}
	return int(float64(free) / float64(total) * 100) // of memory in bytes, a hundred times that may be too much for an int64
}

func (s *space) has(wanted amounts) bool {
	for name, n := range wanted {
		if n > 0 && s.free[name] < n {
			return false
		}
	}
	return true
}

func (s *space) take(wanted amounts) {
	for name, n := range wanted {
		s.free[name] -= n
	}
}

// requests is what a pod requests, itself counted as one pod: the sum over its containers and sidecars, or what one of its other init
// containers needs beside the sidecars before it, if that is more, and its overhead. What is requested for the pod as a whole counts instead.
func requests(pod *corev1.Pod) amounts {
	sum, peak := amounts{}, amounts{}
	for _, c := range pod.Spec.Containers {
		sum.add(amountsOf(c.Resources.Requests))
	}
	sidecars := amounts{}
	for _, c := range pod.Spec.InitContainers {
		own := amountsOf(c.Resources.Requests)
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			sidecars.add(own)
			sum.add(own)
			continue
		}
		own.add(sidecars)
		peak.atLeast(own)
	}
	sum.atLeast(peak)
	if pod.Spec.Resources != nil {
		for name, n := range amountsOf(pod.Spec.Resources.Requests) {
			sum[name] = n
		}
	}
	sum.add(amountsOf(pod.Spec.Overhead))
	sum[corev1.ResourcePods] = 1
	return sum
}

func (a amounts) add(b amounts) {
	for name, n := range b {
		a[name] += n
	}
}

func (a amounts) atLeast(b amounts) {
	for name, n := range b {
		a[name] = max(a[name], n)
	}
}

func amountsOf(list corev1.ResourceList) amounts {
	out := amounts{}
	for name, quantity := range list {
		out[name] = amountOf(name, quantity)
	}
	return out
}

func amountOf(name corev1.ResourceName, q resource.Quantity) int64 {
	if name == corev1.ResourceCPU {
		return q.MilliValue()
	}
	return q.Value()
}
