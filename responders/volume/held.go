package volume

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/policies"
)

// claimAt reads a claim; nil where there is none.
func claimAt(ctx context.Context, client kubernetes.Interface, namespace, name string) (*corev1.PersistentVolumeClaim, error) {
	claim, err := client.CoreV1().PersistentVolumeClaims(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read claim %s/%s: %w", namespace, name, err)
	}
	return claim, nil
}

// volumeAt reads a volume; nil where there is none, or no name.
func volumeAt(ctx context.Context, client kubernetes.Interface, name string) (*corev1.PersistentVolume, error) {
	if name == "" {
		return nil, nil
	}
	volume, err := client.CoreV1().PersistentVolumes().Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read volume %s: %w", name, err)
	}
	return volume, nil
}

func targetOf(claim *corev1.PersistentVolumeClaim) policies.Target {
	return policies.Target{Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: string(claim.UID)}
}

func volumeTarget(volume *corev1.PersistentVolume) policies.Target {
	return policies.Target{Kind: "PersistentVolume", Name: volume.Name, UID: string(volume.UID)}
}

func isBound(claim *corev1.PersistentVolumeClaim) bool {
	return claim.Status.Phase == corev1.ClaimBound && claim.Spec.VolumeName != ""
}

// kindOf is what sort of volume one is that is not of CSI, in a word or two.
func kindOf(volume *corev1.PersistentVolume) string {
	s := volume.Spec.PersistentVolumeSource
	switch {
	case s.NFS != nil:
		return "an NFS volume"
	case s.HostPath != nil:
		return "a directory of a node"
	case s.Local != nil:
		return "a local disk"
	case s.FlexVolume != nil:
		return "a FlexVolume"
	}
	return "an in-tree volume"
}
