package volume

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// stamp is how a moment is written in a label, which may hold no colon.
const stamp = "20060102T150405Z"

// settle ends a swap whose claim is there again: it says until when the old volume is kept, starts what was stopped, and gives the new volume the
// reclaim policy that the old one had. That comes last: until then no mistake costs a volume.
func (s swap) settle(w scene) (move, error) {
	switch {
	case !isBound(w.claim) || w.fresh.Spec.ClaimRef == nil || w.fresh.Spec.ClaimRef.UID != w.claim.UID:
		return move{done: 12, open: fmt.Sprintf("claim %s is not bound to volume %s yet", s.name(), w.fresh.Name)}, nil
	case w.old != nil && w.old.Labels[KeptUntilLabel] == "":
		return move{done: 13, open: "volume " + w.old.Name + " does not say how long it is kept", do: func(ctx context.Context) error { return s.keepOld(ctx, w.old) }}, nil
	}
	for _, o := range s.resting(w) {
		return move{done: startStage, open: o.target.String() + " is not started again", do: func(ctx context.Context) error { return s.start(ctx, o) }}, nil
	}
	if w.fresh.Annotations[PolicyAnnotation] != "" || w.fresh.Annotations[RestoreAnnotation] != "" {
		return move{done: 15, open: "volume " + w.fresh.Name + " is held yet", do: func(ctx context.Context) error { return s.release(ctx, w.fresh) }}, nil
	}
	return move{done: swapStages}, nil
}

// keepOld says until when the old volume is kept. It was Salvor's to hold; to delete it is for people, or what they set up.
func (s swap) keepOld(ctx context.Context, volume *corev1.PersistentVolume) error {
	keep, err := s.keep()
	if err != nil {
		return err
	}
	until := s.now.Add(keep).UTC().Truncate(time.Second).Format(stamp)
	return s.hand.amend(ctx, object{volumeKind, &volume.ObjectMeta}, fields{KeptUntilLabel: until}, nil, nil)
}

// resting are the workloads of the plan that its step has stopped.
func (s swap) resting(w scene) []owner {
	return slices.DeleteFunc(w.crew.stoppedBy(s.Crew), func(o owner) bool {
		return !slices.ContainsFunc(s.Owners, func(of workload) bool { return of.Target.UID == o.target.UID })
	})
}

// start gives a workload the replicas that it had. One that somebody gave some meanwhile keeps those.
func (s swap) start(ctx context.Context, o owner) error {
	rest := fields{}
	if mark := o.mark(); o.replicas == 0 {
		rest["spec"] = fields{"replicas": mark.Replicas}
	}
	return s.hand.amend(ctx, o.object, nil, fields{StoppedAnnotation: nil}, rest)
}

// release gives the new volume its reclaim policy.
func (s swap) release(ctx context.Context, volume *corev1.PersistentVolume) error {
	policy := corev1.PersistentVolumeReclaimPolicy(s.Policy)
	return s.hand.amend(ctx, object{volumeKind, &volume.ObjectMeta}, nil, fields{PolicyAnnotation: nil, RestoreAnnotation: nil},
		fields{"spec": fields{"persistentVolumeReclaimPolicy": policy}})
}
