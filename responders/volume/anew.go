package volume

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// anew is a restore that has not begun, or only in a claim beside.
func (o *outlook) anew(ctx context.Context) (restoring, error) {
	facts := restoring{Namespace: o.namespace(), Claim: o.name(), Keep: or(o.args.Text("keep"), keepFor)}
	facts.Stop, _ = o.args["stop"].(bool)
	if err := o.free(ctx); err != nil {
		return facts, err
	}
	if err := o.pick(ctx); err != nil {
		return facts, err
	}
	facts.Snapshot, facts.Driver, facts.Taken = o.uid, o.driver, o.taken
	if o.claim == nil || o.isBrought() {
		return facts, o.bring(ctx, &facts)
	}
	return facts, o.replace(ctx, &facts)
}

// isBrought says that there was no claim when this step began, and that it has made the one that is there: since the fault, for an earlier incident may
// have had the same id.
func (o *outlook) isBrought() bool {
	return o.claim != nil && o.claim.Labels[ForLabel] == o.token && !wasThere(&o.claim.ObjectMeta, o.env.Broken)
}

// free refuses a claim for which another restore has a volume in hand, and finds the volume that was the claim's.
func (o *outlook) free(ctx context.Context) error {
	list, err := o.reader.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list volumes: %w", err)
	}
	for i := range list.Items {
		volume := &list.Items[i]
		ref := volume.Spec.ClaimRef
		if ref == nil || ref.Namespace != o.namespace() || ref.Name != o.name() {
			continue
		}
		if volume.Annotations[RestoreAnnotation] != "" {
			return fmt.Errorf("volume %s was restored for it by another step, of incident %s, that did not end: end that one first", volume.Name, brief(volume.Annotations[IncidentAnnotation]))
		}
		if o.claim == nil && (o.old == nil || o.old.CreationTimestamp.Before(&volume.CreationTimestamp)) {
			o.old = volume
		}
	}
	if o.claim != nil {
		o.old, err = volumeAt(ctx, o.reader, o.claim.Spec.VolumeName)
	}
	return err
}

// pick chooses the snapshot. One that this step has begun to restore is kept to.
func (o *outlook) pick(ctx context.Context) error {
	asked := or(o.args.Text("snapshot"), latest)
	begun, err := o.begunWith(ctx)
	switch {
	case err != nil:
		return err
	case begun != "" && asked != latest && asked != begun:
		return fmt.Errorf("this step has begun to restore snapshot %s: delete claim %s first to restore another", begun, beside(o.name(), o.token))
	case begun != "":
		asked = begun
	}
	all, err := o.shelf.of(ctx, o.namespace())
	if err != nil {
		return err
	}
	if o.chosen, err = choose(all, o.name(), asked, o.env); err != nil {
		return err
	}
	o.driver, _, err = o.shelf.handle(ctx, o.content)
	return err
}

// begunWith is the snapshot that a claim of this step was made from, if there is one.
func (o *outlook) begunWith(ctx context.Context) (string, error) {
	if o.isBrought() {
		return o.claim.Annotations[RestoredAnnotation], nil
	}
	other, err := claimAt(ctx, o.reader, o.namespace(), beside(o.name(), o.token))
	if err != nil || other == nil {
		return "", err
	}
	if other.Labels[ForLabel] != o.token {
		return "", fmt.Errorf("claim %s is there and was not made by this step: delete or rename it", other.Name)
	}
	return other.Annotations[RestoredAnnotation], nil
}

// replace pins how the claim is replaced.
func (o *outlook) replace(ctx context.Context, facts *restoring) error {
	switch {
	case o.claim.DeletionTimestamp != nil:
		return fmt.Errorf("it is being deleted: wait until it is gone")
	case o.claim.Spec.VolumeName == "":
		return fmt.Errorf("it is %s and has no volume: there is nothing to replace; delete it first", o.claim.Status.Phase)
	}
	class, err := storageClass(ctx, o.reader, or(o.args.Text("storageClass"), classOf(o.claim)), o.driver)
	if err != nil {
		return err
	}
	claim := successor(o.claim, class.Name, o.snapshot)
	interim := blank(o.namespace(), beside(o.name(), o.token), class.Name, claim.Spec.Resources.Requests[corev1.ResourceStorage], claim.Spec.AccessModes...)
	interim.Spec.VolumeMode, interim.Spec.VolumeAttributesClassName = claim.Spec.VolumeMode, claim.Spec.VolumeAttributesClassName
	facts.Replaced, facts.Policy = o.claim.UID, reclaims(class)
	facts.Final = &making{Claim: claim, Snapshot: o.chosen.name}
	facts.Beside = &making{Claim: interim, Snapshot: o.chosen.name, Consumer: waitsForConsumer(class), Prefer: nodesOf(o.users)}
	if o.old != nil {
		facts.Old, facts.Policy, facts.Beside.Like = held{o.old.Name, o.old.UID}, policyOf(o.old), o.old.Name
	}
	if err := o.compare(ctx, facts); err != nil {
		return err
	}
	return o.fits(ctx, facts.Beside, class)
}

// bring pins how a claim is made that is gone: like the volume that was its, if that is there yet.
func (o *outlook) bring(ctx context.Context, facts *restoring) error {
	size, modes, name := resource.Quantity{}, []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, o.args.Text("storageClass")
	var mode *corev1.PersistentVolumeMode
	if o.old != nil {
		size, modes, mode = o.old.Spec.Capacity[corev1.ResourceStorage], o.old.Spec.AccessModes, o.old.Spec.VolumeMode
		name = or(name, o.old.Spec.StorageClassName)
	}
	if o.size != nil && o.size.Cmp(size) > 0 {
		size = *o.size
	}
	if size.IsZero() {
		return fmt.Errorf("%s does not say how large it is, and no volume of the claim is left to go by", o.chosen)
	}
	class, err := storageClass(ctx, o.reader, name, o.driver)
	if err != nil {
		return err
	}
	claim := blank(o.namespace(), o.name(), class.Name, size, modes...)
	claim.Spec.VolumeMode = mode
	facts.Final = &making{Claim: claim, Snapshot: o.chosen.name, Consumer: waitsForConsumer(class), Prefer: nodesOf(o.users)}
	if o.old != nil {
		facts.Final.Like = o.old.Name
	}
	if o.claim != nil {
		return nil
	}
	return o.fits(ctx, facts.Final, class)
}

// fits refuses a claim for which there is no node or no quota.
func (o *outlook) fits(ctx context.Context, m *making, class *storagev1.StorageClass) error {
	there, err := claimAt(ctx, o.reader, m.Claim.Namespace, m.Claim.Name)
	if err != nil || there != nil {
		return err
	}
	if m.Consumer {
		if _, err := placeFor(ctx, o.reader, o.old, m.Prefer); err != nil {
			return err
		}
	}
	return forClaim(class.Name, m.Claim.Spec.Resources.Requests[corev1.ResourceStorage]).fits(ctx, o.reader, o.namespace())
}

func classOf(claim *corev1.PersistentVolumeClaim) string {
	if claim.Spec.StorageClassName == nil {
		return ""
	}
	return *claim.Spec.StorageClassName
}

// policyOf is the reclaim policy of a volume as people set it.
func policyOf(volume *corev1.PersistentVolume) string {
	return string(volume.Spec.PersistentVolumeReclaimPolicy)
}

// nodesOf are the nodes of pods.
func nodesOf(pods []corev1.Pod) []string {
	var names []string
	for _, pod := range pods {
		if pod.Spec.NodeName != "" && !slices.Contains(names, pod.Spec.NodeName) {
			names = append(names, pod.Spec.NodeName)
		}
	}
	slices.SortFunc(names, strings.Compare)
	return names
}
