package kube

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

const (
	graceToSchedule = 2 * time.Minute  // a scheduler may need so long, or a node to be added
	graceToStart    = 5 * time.Minute  // from being given to a node until ready: images, volumes, start-up
	graceToRecover  = 2 * time.Minute  // a pod that was ready may be unready so long
	quietAfterCrash = 10 * time.Minute // a container that runs so long has recovered; kubelets forget its crashes after that too
)

const crashLoop = "CrashLoopBackOff"

// sign is something that is wrong with a pod for a while.
type sign struct {
	trouble, message string
	began            time.Time // zero when that is not known
	from, until      time.Time // when it counts as trouble; zero until is for good
}

func (s sign) counts(now time.Time) bool {
	return !now.Before(s.from) && (s.until.IsZero() || now.Before(s.until))
}

// signsOf are the signs of a pod, the telling ones first. The rules:
//
//   - What a container waits for is its trouble at once, in the words of its kubelet: ImagePullBackOff (also between two tries, when
//     kubelets say ErrImagePull), CreateContainerConfigError and so on. ContainerCreating counts when it lasts too long.
//   - A container is in a crash loop when its kubelet makes it wait for that; and, when it was restarted at least twice, while it runs
//     after a run shorter than 10 minutes, until it has run for 10 minutes. So a loop is one trouble from its second crash on, however
//     often it comes up between; one restart, or one after a long life, is none. The trouble is called OOMKilled when the last run ended so.
//   - A container that failed and is not to be started again is a trouble as its end was called; a failed pod is Failed, or what its
//     status calls it: Evicted, DeadlineExceeded.
//   - A pod without a node is Unschedulable 2 minutes after its scheduler said so, or Pending 2 minutes after it was made. One that waits at
//     a scheduling gate is not. A pod that its node does not begin to start within 5 minutes is Pending.
//   - A pod that is not ready is NotReady after 2 minutes, but not within 5 minutes of its start.
//   - What began after somebody asked for the pod's deletion is part of its end.
//
// Clocks of kubelets that are ahead can delay these times by one grace and not more.
func signsOf(p *corev1.Pod, now time.Time) []sign {
	var out []sign
	switch {
	case p.Status.Phase == corev1.PodSucceeded:
	case p.Status.Phase == corev1.PodFailed:
		out = []sign{failed(p)}
	case p.Spec.NodeName == "":
		out = unscheduled(p, now)
	default:
		out = append(containers(p, now), unready(p, now)...)
	}
	return beforeDeletion(p, out)
}

// by is when a grace that began at some time is over.
func by(began time.Time, grace time.Duration, now time.Time) time.Time {
	return earliest(now, began).Add(grace)
}

func beforeDeletion(p *corev1.Pod, signs []sign) []sign {
	if p.DeletionTimestamp == nil {
		return signs
	}
	asked := p.DeletionTimestamp.Time
	if p.DeletionGracePeriodSeconds != nil {
		asked = asked.Add(-time.Duration(*p.DeletionGracePeriodSeconds) * time.Second)
	}
	var out []sign
	for _, s := range signs {
		if !s.began.After(asked) {
			out = append(out, s)
		}
	}
	return out
}

func failed(p *corev1.Pod) sign {
	s := sign{trouble: "Failed", message: text(p.Status.Message, podMessage)}
	for _, c := range statuses(p) {
		if t := c.State.Terminated; t != nil && t.ExitCode != 0 {
			s.began = latest(s.began, t.FinishedAt.Time)
			if t.Reason == "OOMKilled" {
				s.trouble = t.Reason
			}
			if s.message == "" {
				s.message = ending(c.Name, t)
			}
		}
	}
	if p.Status.Reason != "" {
		s.trouble = text(p.Status.Reason, maxReason)
	}
	return s
}

func unscheduled(p *corev1.Pod, now time.Time) []sign {
	s := sign{trouble: "Pending", message: "no scheduler has said anything of it", began: p.CreationTimestamp.Time}
	if c := condition(p, corev1.PodScheduled); c != nil {
		if c.Reason == corev1.PodReasonSchedulingGated {
			return nil
		}
		s = sign{trouble: text(c.Reason, maxReason), message: text(c.Message, podMessage), began: c.LastTransitionTime.Time}
		if s.trouble == "" {
			s.trouble = corev1.PodReasonUnschedulable
		}
	}
	s.from = by(s.began, graceToSchedule, now)
	return []sign{s}
}

// started is when a pod was given to its node, or later when its kubelet began with it.
func started(p *corev1.Pod) time.Time {
	at := p.CreationTimestamp.Time
	if c := condition(p, corev1.PodScheduled); c != nil {
		at = latest(at, c.LastTransitionTime.Time)
	}
	if p.Status.StartTime != nil {
		at = latest(at, p.Status.StartTime.Time)
	}
	return at
}

func unready(p *corev1.Pod, now time.Time) []sign {
	at := started(p)
	starts := by(at, graceToStart, now)
	c := condition(p, corev1.PodReady)
	switch {
	case c == nil && p.Status.StartTime == nil:
		return []sign{{trouble: "Pending", message: "its node has not begun to start it", began: at, from: starts}}
	case c == nil, c.Status == corev1.ConditionTrue, c.Reason == "PodCompleted":
		return nil
	}
	return []sign{{trouble: "NotReady", message: text(c.Message, podMessage), began: c.LastTransitionTime.Time,
		from: latest(starts, by(c.LastTransitionTime.Time, graceToRecover, now))}}
}

func condition(p *corev1.Pod, typ corev1.PodConditionType) *corev1.PodCondition {
	for i := range p.Status.Conditions {
		if p.Status.Conditions[i].Type == typ {
			return &p.Status.Conditions[i]
		}
	}
	return nil
}

// ending says in words how a container ended.
func ending(container string, t *corev1.ContainerStateTerminated) string {
	how := fmt.Sprintf("container %s: exit code %d", text(container, maxReason), t.ExitCode)
	if t.Reason != "" {
		how += " (" + text(t.Reason, maxReason) + ")"
	}
	if t.Message != "" {
		how += ": " + text(t.Message, podMessage)
	}
	return text(how, podMessage)
}
