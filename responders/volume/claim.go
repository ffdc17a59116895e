package volume

import (
	"context"
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// making is a claim that is to be made from a snapshot, under its own name or beside another.
type making struct {
	Claim    *corev1.PersistentVolumeClaim `json:"claim"`
	Snapshot string                        `json:"snapshot"`       // in the namespace of the claim
	Consumer bool                          `json:"consumer"`       // its class makes no volume before a pod needs it
	Like     string                        `json:"like,omitempty"` // the volume whose place it takes
	Prefer   []string                      `json:"prefer,omitempty"`
}

// blank is a claim of a name with what a volume from a snapshot needs to be asked for.
func blank(namespace, name, class string, size resource.Quantity, modes ...corev1.PersistentVolumeAccessMode) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolumeClaim"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{AccessModes: modes, StorageClassName: &class,
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: size}}},
	}
}

// successor is the claim that takes the place of another: of the same name, labels, annotations, owners and demands, without what binds the
// old one. It asks for as much as the snapshot holds, if that is more.
func successor(old *corev1.PersistentVolumeClaim, class string, s snapshot) *corev1.PersistentVolumeClaim {
	size := old.Spec.Resources.Requests[corev1.ResourceStorage]
	if s.size != nil && s.size.Cmp(size) > 0 {
		size = *s.size
	}
	claim := blank(old.Namespace, old.Name, class, size, old.Spec.AccessModes...)
	claim.Labels, claim.OwnerReferences = maps.Clone(old.Labels), old.OwnerReferences
	claim.Annotations = map[string]string{}
	for key, value := range old.Annotations {
		if !isOfBinding(key) {
			claim.Annotations[key] = value
		}
	}
	claim.Spec.VolumeMode, claim.Spec.VolumeAttributesClassName = old.Spec.VolumeMode, old.Spec.VolumeAttributesClassName
	return claim
}

// isOfBinding says whether an annotation tells how the old claim was bound, or is Salvor's own of an earlier time.
func isOfBinding(key string) bool {
	return key == selectedNode || key == "volume.kubernetes.io/storage-provisioner" || key == "volume.beta.kubernetes.io/storage-provisioner" ||
		strings.HasPrefix(key, "pv.kubernetes.io/") || strings.HasPrefix(key, "salvor.io/")
}

// make creates the claim from its snapshot, on a node where its class would wait for a pod to choose one.
func (r room) make(ctx context.Context, incident string, m making) error {
	claim := m.fromSnapshot()
	r.sign(incident, claim, m.Snapshot)
	if m.Consumer {
		like, err := volumeAt(ctx, r.reader, m.Like)
		if err != nil {
			return err
		}
		node, err := placeFor(ctx, r.reader, like, m.Prefer)
		if err != nil {
			return err
		}
		claim.Annotations[selectedNode] = node
	}
	return r.put(ctx, claim)
}

// fromSnapshot is the claim with the snapshot that it is to be made from.
func (m making) fromSnapshot() *corev1.PersistentVolumeClaim {
	claim, group := m.Claim.DeepCopy(), snapshotGroup
	claim.Spec.DataSource = &corev1.TypedLocalObjectReference{APIGroup: &group, Kind: "VolumeSnapshot", Name: m.Snapshot}
	return claim
}

// sign writes on a claim which step made it, and from what.
func (r room) sign(incident string, claim *corev1.PersistentVolumeClaim, snapshot string) {
	labels, annotations := map[string]string{}, map[string]string{}
	maps.Copy(labels, claim.Labels)
	maps.Copy(annotations, claim.Annotations)
	labels[ForLabel], annotations[IncidentAnnotation], annotations[RestoredAnnotation] = r.token, incident, snapshot
	claim.Labels, claim.Annotations = labels, annotations
}

func (r room) put(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	o, err := encoded(claim)
	if err != nil {
		return err
	}
	return r.hand.create(ctx, claimKind, o)
}

// encoded is a claim as it is sent.
func encoded(claim *corev1.PersistentVolumeClaim) (*unstructured.Unstructured, error) {
	raw, err := runtime.DefaultUnstructuredConverter.ToUnstructured(claim)
	if err != nil {
		return nil, fmt.Errorf("encode claim %s/%s: %w", claim.Namespace, claim.Name, err)
	}
	delete(raw, "status")
	return &unstructured.Unstructured{Object: raw}, nil
}

// unbound says of a claim that a step made why it is not usable yet, or nothing.
func (r room) unbound(claim *corev1.PersistentVolumeClaim) string {
	switch {
	case claim == nil:
		return "is not there"
	case claim.Labels[ForLabel] != r.token:
		return "is there and was not made by this step"
	case claim.DeletionTimestamp != nil:
		return "is being deleted"
	case !isBound(claim):
		return "is not bound to a volume yet"
	}
	return ""
}
