package volume

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// prepare restores the snapshot into a claim beside the old one, has it compared, and holds the volume once it is as it should be.
func (s swap) prepare(w scene) (move, error) {
	name := s.Namespace + "/" + s.Beside.Claim.Name
	switch {
	case w.beside == nil:
		return move{open: "claim " + name + " is not there", do: func(ctx context.Context) error { return s.begin(ctx, s.Beside) }}, nil
	case w.beside.Labels[ForLabel] != s.token:
		return move{}, fmt.Errorf("claim %s is there and was not made by this step: delete or rename it", name)
	case s.unbound(w.beside) != "" || w.made == nil:
		return s.awaiting(w.beside, move{done: 1, open: "claim " + name + " " + or(s.unbound(w.beside), "is bound to a volume that is not there yet")}), nil
	}
	if err := s.verify(w.beside, w.made); err != nil {
		return move{}, fmt.Errorf("what was restored into claim %s cannot take the place of claim %s, which is as it was: %w", name, s.name(), err)
	}
	if m, err := s.compare(w); m.open != "" || err != nil {
		return m, err
	}
	return move{done: 4, open: "volume " + w.made.Name + " is not held yet", do: func(ctx context.Context) error { return s.hold(ctx, w.made, w.trial.said) }}, nil
}

// begin makes a claim from the very snapshot that was pinned.
func (s swap) begin(ctx context.Context, m *making) error {
	found, there, err := s.shelf.one(ctx, s.Namespace, m.Snapshot)
	switch {
	case err != nil:
		return err
	case !there || found.uid != s.Snapshot:
		return fmt.Errorf("restore claim %s: snapshot %s is not there any more", s.name(), m.Snapshot)
	case found.unusable() != "":
		return fmt.Errorf("restore claim %s: %s: %s", s.name(), found, found.unusable())
	}
	return s.make(ctx, s.incident, *m)
}

// verify is what can be known of a restored volume without mounting it: that it is the claim's, of the driver of the snapshot, made from it,
// and as large as it was asked to be.
func (s swap) verify(claim *corev1.PersistentVolumeClaim, volume *corev1.PersistentVolume) error {
	from, size := claim.Spec.DataSource, volume.Spec.Capacity[corev1.ResourceStorage]
	asked := s.Beside.Claim.Spec.Resources.Requests[corev1.ResourceStorage]
	switch {
	case volume.Spec.ClaimRef == nil || volume.Spec.ClaimRef.UID != claim.UID:
		return fmt.Errorf("volume %s does not say that it is of that claim", volume.Name)
	case volume.Spec.CSI == nil || volume.Spec.CSI.Driver != s.Driver:
		return fmt.Errorf("volume %s is not of driver %s, of which the snapshot is", volume.Name, s.Driver)
	case from == nil || from.Kind != "VolumeSnapshot" || from.Name != s.Beside.Snapshot:
		return fmt.Errorf("the claim was not made from snapshot %s", s.Beside.Snapshot)
	case size.Cmp(asked) < 0:
		return fmt.Errorf("volume %s has %s, and %s were asked for", volume.Name, size.String(), asked.String())
	}
	return nil
}

// hold keeps the new volume whatever becomes of its claim, and writes down on it how the restore goes on, and what was said of it where it was compared.
func (s swap) hold(ctx context.Context, volume *corev1.PersistentVolume, said string) error {
	pinned, err := json.Marshal(s.restoring)
	if err != nil {
		return fmt.Errorf("write down how the restore of claim %s goes on: %w", s.name(), err)
	}
	marks := fields{RestoreAnnotation: string(pinned), PolicyAnnotation: s.Policy, IncidentAnnotation: s.incident}
	if said != "" {
		marks[ComparedAnnotation] = said
	}
	return s.hand.amend(ctx, object{volumeKind, &volume.ObjectMeta}, fields{ForLabel: s.token}, marks, retained())
}

func retained() fields {
	return fields{"spec": fields{"persistentVolumeReclaimPolicy": corev1.PersistentVolumeReclaimRetain}}
}

func isRetained(volume *corev1.PersistentVolume) bool {
	return volume == nil || volume.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimRetain
}

// reserve lets the claim beside go, whose volume stays, and reserves that for the claim that it is to be of. Whoever makes a claim of that name
// from then on is given the restored volume.
func (s swap) reserve(w scene) (move, error) {
	switch {
	case !isRetained(w.fresh):
		return move{done: 4, open: "volume " + w.fresh.Name + " is not held any more", do: func(ctx context.Context) error { return s.hold(ctx, w.fresh, "") }}, nil
	case w.beside != nil && w.trial.live != "":
		return move{done: 5, open: fmt.Sprintf("claim %s/%s is still read by pod %s", s.Namespace, w.beside.Name, w.trial.live)}, nil
	case w.beside != nil && len(w.trial.spent) > 0:
		return s.clear(w.beside.Name, w.trial.spent, 5), nil
	case w.beside != nil && w.beside.DeletionTimestamp != nil:
		return move{done: 5, open: fmt.Sprintf("claim %s/%s is deleted and not gone: something uses it", s.Namespace, w.beside.Name)}, nil
	case w.beside != nil:
		return move{done: 5, open: fmt.Sprintf("claim %s/%s holds the restored volume", s.Namespace, w.beside.Name),
			do: func(ctx context.Context) error { return s.hand.remove(ctx, object{claimKind, &w.beside.ObjectMeta}) }}, nil
	}
	ref := fields{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": s.Namespace, "name": s.Claim, "uid": nil, "resourceVersion": nil}
	return move{done: 6, open: fmt.Sprintf("volume %s is not reserved for claim %s", w.fresh.Name, s.name()), do: func(ctx context.Context) error {
		return s.hand.amend(ctx, object{volumeKind, &w.fresh.ObjectMeta}, nil, nil, fields{"spec": fields{"claimRef": ref}})
	}}, nil
}
