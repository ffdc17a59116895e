package volume

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// swap puts a restored volume in the place of another, under the name of a claim. The name of a claim cannot be changed, nor its volume: so the
// snapshot is restored into a claim beside the old one; its volume is held (Retain), let go by that claim and reserved for the old name; the
// old volume is held too; who uses it is stopped; the old claim is deleted, and made again on the new volume. From before the first claim
// is deleted until the end no deletion of a claim takes a volume with it.
//
// What is next is judged by what is there, each time anew.
type swap struct {
	room
	incident string
	now      time.Time
	restoring
}

// scene is all that matters of the world to a swap.
type scene struct {
	claim   *corev1.PersistentVolumeClaim // under the name; nil where there is none
	beside  *corev1.PersistentVolumeClaim // the one that the snapshot is restored into
	made    *corev1.PersistentVolume      // what that one is bound to
	fresh   *corev1.PersistentVolume      // the new volume, once it is held for this step
	old     *corev1.PersistentVolume      // the one that is replaced
	holders                               // of the claim
	crew    crew
	trial   trial // how the restored content was compared, where it is
}

// look reads the scene. Claims are read before volumes: what a claim names is looked for after.
func (s swap) look(ctx context.Context) (w scene, err error) {
	if w.claim, err = claimAt(ctx, s.reader, s.Namespace, s.Claim); err != nil {
		return w, err
	}
	if s.Beside != nil {
		if w.beside, err = claimAt(ctx, s.reader, s.Namespace, s.Beside.Claim.Name); err != nil {
			return w, err
		}
	}
	if w.beside != nil {
		if w.made, err = volumeAt(ctx, s.reader, w.beside.Spec.VolumeName); err != nil {
			return w, err
		}
	}
	if w.fresh, _, err = s.marked(ctx); err != nil {
		return w, err
	}
	if w.old, err = volumeAt(ctx, s.reader, s.Old.Name); err != nil {
		return w, err
	}
	if w.old != nil && w.old.UID != s.Old.UID {
		w.old = nil
	}
	if w.holders, err = s.heldBy(ctx, s.Namespace, s.Claim); err != nil {
		return w, err
	}
	if w.trial, err = s.lookAtTrial(ctx); err != nil {
		return w, err
	}
	w.crew, err = crewOf(ctx, s.reader, s.Namespace)
	return w, err
}

// marked are the volumes that carry the token of the step: the one that takes the place, and the one that loses it.
func (r room) marked(ctx context.Context) (fresh, old *corev1.PersistentVolume, err error) {
	list, err := r.reader.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{LabelSelector: labels.Set{ForLabel: r.token}.String()})
	if err != nil {
		return nil, nil, fmt.Errorf("list the volumes of this step: %w", err)
	}
	for i := range list.Items {
		switch volume := &list.Items[i]; {
		case replacedBy(volume, r.token):
			old = volume
		case fresh != nil:
			return nil, nil, fmt.Errorf("volumes %s and %s are both labelled %s=%s: only one of them can take the place, take the label off the other",
				fresh.Name, volume.Name, ForLabel, r.token)
		default:
			fresh = volume
		}
	}
	return fresh, old, nil
}

// swapStages are the stages of a swap: made, bound, comparison made, compared, held, let go, reserved, old held, stopped, unused, deleted, made again,
// bound, labelled, started, given back. Before some of them a swap can wait for others.
const (
	boundStage    = 1
	comparedStage = 3 // the comparison is made, and not over
	heldStage     = 4
	exchangeStage = 7
	deleteStage   = 10
	startStage    = 14
	swapStages    = 16
)

// until is next as far as a stage, which is left to do.
func (s swap) until(stage int) func(context.Context) (move, error) {
	return func(ctx context.Context) (move, error) {
		m, err := s.next(ctx)
		if err == nil && m.done >= stage {
			return move{done: stage}, nil
		}
		return m, err
	}
}

// next is what has to happen as the world stands now.
func (s swap) next(ctx context.Context) (move, error) {
	w, err := s.look(ctx)
	if err != nil {
		return move{}, err
	}
	return s.judge(w)
}

func (s swap) judge(w scene) (move, error) {
	if s.Beside == nil {
		return s.bring(w)
	}
	another := w.claim != nil && w.claim.UID != s.Replaced
	switch {
	case another && w.fresh != nil && w.claim.Spec.VolumeName == w.fresh.Name:
		return s.settle(w)
	case another && w.fresh != nil && w.claim.Spec.VolumeName == "" && s.isReserved(w.fresh):
		return move{done: 12, open: fmt.Sprintf("claim %s was made by somebody else and is not bound yet; volume %s is reserved for it", s.name(), w.fresh.Name)}, nil
	case another:
		return move{}, s.taken(w)
	case w.fresh == nil:
		return s.prepare(w)
	case w.beside != nil || !s.isReserved(w.fresh):
		return s.reserve(w)
	}
	return s.exchange(w)
}

// bring makes a claim that is not there: there is nothing to replace.
func (s swap) bring(w scene) (move, error) {
	switch {
	case w.claim == nil:
		return move{open: "claim " + s.name() + " is not there", do: func(ctx context.Context) error { return s.begin(ctx, s.Final) }}, nil
	case w.claim.Labels[ForLabel] != s.token:
		return move{}, s.taken(w)
	case s.unbound(w.claim) != "":
		return s.awaiting(w.claim, move{done: swapStages / 2, open: "claim " + s.name() + " " + s.unbound(w.claim)}), nil
	}
	return move{done: swapStages}, nil
}

// taken says that somebody else has made the claim meanwhile, and where the data are.
func (s swap) taken(w scene) error {
	kept := "nothing was restored yet"
	if w.fresh != nil {
		kept = "what was restored is in volume " + w.fresh.Name
	}
	if w.old != nil {
		kept += ", what was there before in volume " + w.old.Name
	}
	return fmt.Errorf("claim %s is not the one any more that the plan was made for (UID %s, bound to %s): somebody made it anew; %s. "+
		"Pause who does that, delete the claim, and try again", s.name(), w.claim.UID, or(w.claim.Spec.VolumeName, "nothing"), kept)
}

// isReserved says whether a volume is for the claim of the swap, or held by it.
func (s swap) isReserved(volume *corev1.PersistentVolume) bool {
	ref := volume.Spec.ClaimRef
	return ref != nil && ref.Namespace == s.Namespace && ref.Name == s.Claim
}
