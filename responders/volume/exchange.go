package volume

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// exchange holds the old volume, stops who uses it, and replaces the claim.
func (s swap) exchange(w scene) (move, error) {
	if err := s.mayEmpty(w); err != nil {
		return move{}, err
	}
	if w.old != nil && (!isRetained(w.old) || !replacedBy(w.old, s.token)) {
		return move{done: 7, open: "volume " + w.old.Name + " is not held yet", do: func(ctx context.Context) error { return s.holdOld(ctx, w.old) }}, nil
	}
	if !isRetained(w.fresh) {
		return move{done: 7, open: "volume " + w.fresh.Name + " is not held any more", do: func(ctx context.Context) error { return s.hold(ctx, w.fresh, "") }}, nil
	}
	if m, err := s.empty(w); m.open != "" || err != nil {
		return m, err
	}
	switch {
	case w.claim != nil && w.claim.DeletionTimestamp != nil:
		return move{done: 10, open: "claim " + s.name() + " is deleted and not gone: something uses it"}, nil
	case w.claim != nil:
		return move{done: 10, open: "claim " + s.name() + " holds the old volume",
			do: func(ctx context.Context) error { return s.hand.remove(ctx, object{claimKind, &w.claim.ObjectMeta}) }}, nil
	}
	return move{done: 11, open: "claim " + s.name() + " is not there", do: func(ctx context.Context) error {
		claim := s.Final.Claim.DeepCopy()
		s.sign(s.incident, claim, s.Final.Snapshot)
		claim.Spec.VolumeName = w.fresh.Name
		return s.put(ctx, claim)
	}}, nil
}

// holdOld keeps the old volume whatever becomes of its claim, and writes down what its reclaim policy was.
func (s swap) holdOld(ctx context.Context, volume *corev1.PersistentVolume) error {
	mark, err := json.Marshal(replaced{For: s.token, Claim: s.name()})
	if err != nil {
		return fmt.Errorf("mark volume %s: %w", volume.Name, err)
	}
	return s.hand.amend(ctx, object{volumeKind, &volume.ObjectMeta}, fields{ForLabel: s.token, KeptUntilLabel: nil},
		fields{ReplacedAnnotation: string(mark), PolicyAnnotation: s.Policy, IncidentAnnotation: s.incident}, retained())
}

// mayEmpty refuses what the plan does not stop: whoever else holds the claim by now was not agreed upon.
func (s swap) mayEmpty(w scene) error {
	if err := w.mayStop(s.Stop); err != nil {
		return fmt.Errorf("claim %s: %w", s.name(), err)
	}
	owners, err := w.crew.ownersOf(w.users)
	if err != nil {
		return fmt.Errorf("claim %s: %w", s.name(), err)
	}
	for _, o := range owners {
		if !slices.ContainsFunc(s.Owners, func(of workload) bool { return of.Target.UID == o.target.UID }) {
			return fmt.Errorf("claim %s is used by %s by now, which the plan does not stop", s.name(), o.target)
		}
	}
	return nil
}

// empty stops the workloads of the plan and waits until no pod holds the claim.
func (s swap) empty(w scene) (move, error) {
	for _, o := range s.present(w) {
		m, err := s.stop(o)
		if m.open != "" || err != nil {
			return m, err
		}
	}
	if len(w.users) > 0 {
		return move{done: 9, open: fmt.Sprintf("claim %s is still used by %s", s.name(), namesOf(w.users))}, nil
	}
	return s.clear(s.name(), slices.Concat(w.trial.spent, w.remains), 9), nil
}

// present are the workloads of the plan that are there, as they are now.
func (s swap) present(w scene) []owner {
	var out []owner
	for _, of := range s.Owners {
		for uid, o := range w.crew {
			if string(uid) == of.Target.UID {
				out = append(out, o)
			}
		}
	}
	return out
}

// stop gives a workload no replicas, and writes down on it how many it had.
func (s swap) stop(o owner) (move, error) {
	mark := o.mark()
	switch {
	case o.deletes:
		return move{}, o.wouldDelete()
	case mark != nil && mark.For != s.Crew:
		return move{}, fmt.Errorf("%s was stopped by another step, of incident %s: end that one first", o.target, brief(mark.Incident))
	case mark != nil && o.replicas > 0:
		return move{}, fmt.Errorf("%s was stopped and somebody gave it %d replicas again: pause who manages it (GitOps, an operator, an autoscaler), and try again", o.target, o.replicas)
	case mark != nil || o.replicas == 0:
		return move{}, nil
	}
	raw, err := json.Marshal(stopped{For: s.Crew, Incident: s.incident, Replicas: o.replicas})
	if err != nil {
		return move{}, fmt.Errorf("mark %s: %w", o.target, err)
	}
	return move{done: 8, open: o.target.String() + " is not stopped yet", do: func(ctx context.Context) error {
		return s.hand.amend(ctx, o.object, nil, fields{StoppedAnnotation: string(raw)}, fields{"spec": fields{"replicas": 0}})
	}}, nil
}

// wouldDelete refuses what would lose volumes that nobody restores.
func (o owner) wouldDelete() error {
	return fmt.Errorf("%s deletes the claims of pods that it gives up (persistentVolumeClaimRetentionPolicy.whenScaled: Delete), so it cannot be stopped without losing them: set that to Retain", o.target)
}

func namesOf(pods []corev1.Pod) string {
	const told = 5
	var names []string
	for _, pod := range pods[:min(told, len(pods))] {
		names = append(names, "pod "+pod.Name)
	}
	if more := len(pods) - told; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}
