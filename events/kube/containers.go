package kube

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

const (
	maxReason     = 64  // bytes of a reason, which Kubernetes writes as one word
	maxContainers = 128 // containers of a pod that are looked at
)

// statuses are those of the containers that a pod starts with and of those that it runs.
func statuses(p *corev1.Pod) []corev1.ContainerStatus {
	all := slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses)
	return all[:min(len(all), maxContainers)]
}

// containers are the signs of a pod's containers.
func containers(p *corev1.Pod, now time.Time) []sign {
	var at, late []sign
	for _, c := range statuses(p) {
		s, ok := containerSign(p, c, now)
		switch {
		case !ok:
		case s.from.After(now):
			late = append(late, s)
		default:
			at = append(at, s)
		}
	}
	return append(at, late...)
}

func containerSign(p *corev1.Pod, c corev1.ContainerStatus, now time.Time) (sign, bool) {
	switch last := c.LastTerminationState.Terminated; {
	case c.State.Waiting != nil:
		return waits(p, c, now)
	case c.State.Terminated != nil:
		return over(p, c)
	case c.State.Running != nil && last != nil && loops(c, last):
		s := crash(c, last)
		s.until = by(c.State.Running.StartedAt.Time, quietAfterCrash, now)
		return s, true
	}
	return sign{}, false
}

// waits is the sign of a container that waits.
func waits(p *corev1.Pod, c corev1.ContainerStatus, now time.Time) (sign, bool) {
	why, last := c.State.Waiting, c.LastTerminationState.Terminated
	s := sign{trouble: text(why.Reason, maxReason), message: text("container "+c.Name+": "+why.Message, podMessage)}
	switch why.Reason {
	case crashLoop:
		if last != nil {
			return crash(c, last), true
		}
	case "ErrImagePull":
		s.trouble = "ImagePullBackOff"
	case "PodInitializing": // it waits for others, which have their own signs
		return sign{}, false
	case "", "ContainerCreating":
		if last != nil && loops(c, last) { // it is about to be started once more
			return crash(c, last), true
		}
		s.trouble, s.began = "ContainerCreating", started(p)
		s.from = by(s.began, graceToStart, now)
	}
	return s, true
}

// over is the sign of a container that ended, unless that is how it was meant or it is about to be started again.
func over(p *corev1.Pod, c corev1.ContainerStatus) (sign, bool) {
	t := c.State.Terminated
	switch {
	case restarted(p, c.Name, t.ExitCode):
		return crash(c, t), loops(c, t)
	case t.ExitCode == 0:
		return sign{}, false
	}
	s := sign{trouble: text(t.Reason, maxReason), message: ending(c.Name, t), began: t.FinishedAt.Time}
	if s.trouble == "" {
		s.trouble = "Error"
	}
	return s, true
}

// loops says whether a container that has just run is in a crash loop.
func loops(c corev1.ContainerStatus, run *corev1.ContainerStateTerminated) bool {
	return c.RestartCount >= 2 && (run.StartedAt.IsZero() || run.FinishedAt.Sub(run.StartedAt.Time) < quietAfterCrash)
}

func crash(c corev1.ContainerStatus, last *corev1.ContainerStateTerminated) sign {
	s := sign{trouble: crashLoop, message: ending(c.Name, last), began: last.FinishedAt.Time}
	if last.Reason == "OOMKilled" {
		s.trouble = last.Reason
	}
	return s
}

// restarted says whether a kubelet starts a container again that ended so.
func restarted(p *corev1.Pod, container string, exit int32) bool {
	policy := p.Spec.RestartPolicy
	for _, init := range p.Spec.InitContainers {
		if init.Name != container {
			continue
		}
		if init.RestartPolicy != nil && *init.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			return true
		}
		return exit != 0 && policy != corev1.RestartPolicyNever
	}
	return policy == corev1.RestartPolicyAlways || policy == "" || policy == corev1.RestartPolicyOnFailure && exit != 0
}
