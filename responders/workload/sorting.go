package workload

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders/placement"
)

// fate is what becomes of one workload when the nodes it has pods on are given up.
type fate struct {
	workload
	priority int32
	pods     []*corev1.Pod // that have to run elsewhere
	awaited  bool          // it is a kind of workload whose availability can be asked
	bound    []string      // claims, as namespace/name, whose volumes no node elsewhere reaches
	held     map[string]int
	refused  map[placement.Refusal]int
}

// sorting is what becomes of all workloads that have pods on some nodes of a zone, by priority and then by name.
type sorting struct {
	*survey
	nodes []string // those that are given up
	alive bool     // they answer: what cannot move is left to run where it is
	fates []*fate
	room  *placement.Room
}

// moves says that all of a workload finds a place elsewhere.
func (f *fate) moves() bool { return len(f.held)+len(f.refused) == 0 }

// stays says that some of it cannot run elsewhere, whatever room there is.
func (f *fate) stays() bool { return len(f.held) > 0 }

// sorted says what becomes of the workloads on nodes of a surveyed zone. It places the pods that would have to move, and those that wait
// for a place already, on the nodes outside the zone, those of higher priority first.
func sorted(ctx context.Context, client kubernetes.Interface, s *survey, nodes []string, alive bool) (*sorting, error) {
	out := &sorting{survey: s, nodes: nodes, alive: alive, room: placement.NewRoom(s.outside, s.pods)}
	on := slices.DeleteFunc(slices.Clone(s.pods), func(pod corev1.Pod) bool { return !slices.Contains(nodes, pod.Spec.NodeName) })
	traced, err := trace(ctx, client, on)
	if err != nil {
		return nil, err
	}
	out.place(out.gather(traced))
	slices.SortFunc(out.fates, func(a, b *fate) int {
		return cmp.Or(cmp.Compare(b.priority, a.priority), strings.Compare(a.target.String(), b.target.String()), strings.Compare(a.target.UID, b.target.UID))
	})
	return out, nil
}

// waiting is a pod that needs a place. That of no workload that is given up only takes room.
type waiting struct {
	pod  *corev1.Pod
	fate *fate
}

// gather finds the workloads and which of their pods need a place.
func (s *sorting) gather(traced []workload) []waiting {
	byOwner := map[string]*fate{}
	for _, w := range traced {
		f := s.add(w, true)
		for _, owner := range w.owners {
			byOwner[string(owner)] = f
		}
	}
	var queue []waiting
	for i := range s.pods {
		pod := &s.pods[i]
		here := slices.Contains(s.nodes, pod.Spec.NodeName)
		if !here && pod.Spec.NodeName != "" || belongsToNode(pod) {
			continue
		}
		f := byOwner[ownerUID(pod)]
		if f == nil && here && !isGoneOwner(pod) {
			f = s.add(workload{target: ownerOf(pod)}, false)
			byOwner[ownerUID(pod)] = f
		}
		if f != nil {
			f.priority = max(f.priority, priorityOf(pod))
		}
		if (f != nil || !here) && s.needsPlace(pod) {
			queue = append(queue, waiting{pod, f})
		}
	}
	return queue
}

func (s *sorting) add(w workload, awaited bool) *fate {
	f := &fate{workload: w, priority: math.MinInt32, awaited: awaited, held: map[string]int{}, refused: map[placement.Refusal]int{}}
	s.fates = append(s.fates, f)
	return f
}

// needsPlace says whether a pod has to run elsewhere. One that is on its way out is replaced by its controller at once, but for those
// whose names are theirs: they are made anew only when the old one is gone.
func (s *sorting) needsPlace(pod *corev1.Pod) bool {
	if !isTerminating(*pod) {
		return len(pod.Spec.SchedulingGates) == 0
	}
	owner := metav1.GetControllerOf(pod)
	return !s.alive && owner != nil && owner.Kind == "StatefulSet"
}

// place puts the pods on the nodes outside the zone.
func (s *sorting) place(queue []waiting) {
	slices.SortStableFunc(queue, func(a, b waiting) int { return cmp.Compare(priorityOf(b.pod), priorityOf(a.pod)) })
	silent := s.silent()
	for _, w := range queue {
		volumes, bound := s.volumesOf(w.pod)
		why := s.hindrance(w.pod, bound, silent)
		if w.fate != nil {
			w.fate.pods, w.fate.bound = append(w.fate.pods, w.pod), append(w.fate.bound, bound...)
		}
		if why == "" {
			if refusal := s.room.Place(w.pod, volumes); refusal != "" && w.fate != nil {
				w.fate.refused[refusal]++
			}
		} else if w.fate != nil {
			w.fate.held[why]++
		}
	}
}

// hindrance is why a pod cannot run elsewhere whatever room there is, "" when it can.
func (s *sorting) hindrance(pod *corev1.Pod, bound, silent []string) string {
	owner := metav1.GetControllerOf(pod)
	switch {
	case owner == nil:
		return "without a controller that puts it elsewhere"
	case len(bound) > 0:
		return "on volumes bound to zone " + s.zone
	case s.alive && isSalvors(pod):
		return "which Salvor itself needs"
	case s.alive && owner.Kind == "Job":
		return "at work that would begin anew"
	case s.alive && slices.Contains(silent, pod.Spec.NodeName) && !isDisplaceable(*pod):
		return "on a node that does not answer and is not proven off"
	}
	return ""
}

// PartOf is the label, one of the common ones of Kubernetes, by which Salvor knows what it runs on, itself and its NATS: where its value is
// salvor, nothing living is moved.
const PartOf = "app.kubernetes.io/part-of"

func isSalvors(pod *corev1.Pod) bool { return pod.Labels[PartOf] == "salvor" }

func isDisplaceable(pod corev1.Pod) bool {
	ok, _ := displaceable(pod)
	return ok
}

// belongsToNode says whether a pod is of its node: it has no business elsewhere.
func belongsToNode(pod *corev1.Pod) bool {
	owner := metav1.GetControllerOf(pod)
	_, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]
	return mirror || owner != nil && (owner.Kind == "DaemonSet" || owner.Kind == "Node")
}

// isGoneOwner says whether a pod is of a controller that tracing found to be gone: it goes, too.
func isGoneOwner(pod *corev1.Pod) bool {
	owner := metav1.GetControllerOf(pod)
	return owner != nil && isTraced(owner.Kind)
}

// ownerOf is what a pod without a traced workload stands under: its controller, or itself.
func ownerOf(pod *corev1.Pod) policies.Target {
	if owner := metav1.GetControllerOf(pod); owner != nil {
		return policies.Target{Kind: owner.Kind, Namespace: pod.Namespace, Name: owner.Name, UID: string(owner.UID)}
	}
	return policies.Target{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID)}
}

func ownerUID(pod *corev1.Pod) string { return ownerOf(pod).UID }

func priorityOf(pod *corev1.Pod) int32 {
	if pod.Spec.Priority == nil {
		return 0
	}
	return *pod.Spec.Priority
}

// share is how many of its pods that need a place something befalls, in words: "2 of 3 pods on volumes bound to zone b".
func (f *fate) share(n int, what string) string {
	return fmt.Sprintf("%d of %s %s", n, count(len(f.pods), "pod"), what)
}
