package kube

import (
	"errors"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/events"
)

const podMessage = 256 // bytes of the message of a pod

// seenPod is the state of a pod. Its trouble is that of the first of its signs that counts.
type seenPod struct {
	events.Pod
	signs []sign
}

func podKind(client kubernetes.Interface) kind[seenPod] {
	return builtIn(client, "pods", "pods", podKey, client.CoreV1().Pods, readPod)
}

func podKey(namespace, name string) string { return namespace + "/" + name }

func readPod(p *corev1.Pod) (seenPod, error) {
	if p.Name == "" || p.Namespace == "" || p.UID == "" || p.ResourceVersion == "" {
		return seenPod{}, errors.New("read pod: it has no name, namespace, UID or resource version")
	}
	return projectPod(p, time.Now()), nil
}

// projectPod keeps of a pod what judgements need. What its signs say of times to come is bounded by now.
func projectPod(p *corev1.Pod, now time.Time) seenPod {
	owner := ownerOf(p)
	return seenPod{signs: signsOf(p, now), Pod: events.Pod{
		Namespace: p.Namespace, Name: p.Name, UID: string(p.UID), ResourceVersion: p.ResourceVersion,
		Node: p.Spec.NodeName, Owner: owner, Revision: podRevision(p, owner), Restarts: restarts(p),
	}}
}

// ownerOf is what keeps a pod running: the Deployment and not its ReplicaSet.
func ownerOf(p *corev1.Pod) events.Ref {
	owner := metav1.GetControllerOfNoCopy(p)
	if owner == nil {
		return events.Ref{}
	}
	if hash := p.Labels["pod-template-hash"]; hash != "" && owner.Kind == "ReplicaSet" {
		if name, ok := strings.CutSuffix(owner.Name, "-"+hash); ok && name != "" {
			return events.Ref{Kind: "Deployment", Name: name}
		}
	}
	return events.Ref{Kind: owner.Kind, Name: owner.Name, UID: string(owner.UID)}
}

// podRevision names the template that a pod was made from, as the revision of its workload does.
func podRevision(p *corev1.Pod, owner events.Ref) string {
	if generation := p.Labels["pod-template-generation"]; owner.Kind == "DaemonSet" && generation != "" {
		return generation
	}
	if hash := p.Labels["pod-template-hash"]; hash != "" {
		return hash
	}
	return p.Labels["controller-revision-hash"]
}

func restarts(p *corev1.Pod) (sum int) {
	for _, of := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
		for _, c := range of {
			sum += int(c.RestartCount)
		}
	}
	return sum
}

func (p seenPod) identity() identity {
	return identity{podKey(p.Namespace, p.Name), p.UID, p.ResourceVersion}
}

// digest is the same for what kubelets say by turns of one trouble: a container that ran out of memory is in a crash loop.
func (p seenPod) digest() uint64 { return sum(family(p.Trouble)) }

func family(trouble string) string {
	if trouble == "OOMKilled" {
		return crashLoop
	}
	return trouble
}

// quiet is a pod that is well: nobody needs to know.
func (p seenPod) quiet() bool { return p.Trouble == "" }

func (p seenPod) at(now time.Time) seenPod {
	p.Trouble, p.Message = "", ""
	for _, s := range p.signs {
		if s.counts(now) {
			p.Trouble, p.Message = s.trouble, s.message
			break
		}
	}
	return p
}

func (p seenPod) next(now time.Time) time.Time {
	var next time.Time
	for _, s := range p.signs {
		for _, t := range []time.Time{s.from, s.until} {
			if t.After(now) {
				next = earliest(next, t)
			}
		}
	}
	return next
}

func (p seenPod) will(now time.Time, digest uint64) bool {
	for next := p.next(now); !next.IsZero(); next = p.next(next) {
		if then := p.at(next); !then.quiet() && then.digest() == digest {
			return true
		}
	}
	return false
}

func (p seenPod) after(*rollout) (seenPod, *rollout) { return p, nil }

func (p seenPod) ended(_ bool) seenPod {
	p.Gone = true
	return p
}

func (p seenPod) statement() (typ events.Type, entity string, payload any) {
	return events.TypePod, "pod/" + p.Namespace + "/" + p.Name, p.Pod
}

// podsOf are the pods that a View knows, as states.
func podsOf(known map[string]events.Pod) map[string]seenPod {
	out := make(map[string]seenPod, len(known))
	for key, p := range known {
		out[key] = seenPod{Pod: p}
	}
	return out
}

func barePod(id identity) seenPod {
	namespace, name, _ := strings.Cut(id.key, "/")
	return seenPod{Pod: events.Pod{Namespace: namespace, Name: name, UID: id.uid, ResourceVersion: id.version}}
}
