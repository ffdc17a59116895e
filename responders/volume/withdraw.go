package volume

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// awaiting is a move that waits until a claim of the step is bound. Where the storage refuses that, the claim is deleted again.
func (r room) awaiting(claim *corev1.PersistentVolumeClaim, m move) move {
	m.against = func(ctx context.Context) (string, error) { return r.refused(ctx, claim) }
	m.undo = func(ctx context.Context) error { return r.hand.remove(ctx, object{claimKind, &claim.ObjectMeta}) }
	return m
}

// awaitingImport is a move of an import that waits. Where the storage refuses what it waits for, all that the import made is deleted again, which
// leaves the snapshot in the storage as it is.
func (r room) awaitingImport(f importing, m move) move {
	undo := m.undo
	m.undo = func(ctx context.Context) error {
		if undo != nil {
			if err := undo(ctx); err != nil {
				return err
			}
		}
		if err := r.withdraw(ctx, snapshotKind, f.Making.Claim.Namespace, f.Making.Snapshot); err != nil {
			return err
		}
		return r.withdraw(ctx, contentKind, "", f.Content)
	}
	return m
}

// withdraw deletes an object that the step made, if it is there.
func (r room) withdraw(ctx context.Context, kind schema.GroupVersionResource, namespace, name string) error {
	o, err := r.shelf.client.Resource(kind).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("read %s %s: %w", kind.Resource, name, err)
	case o.GetLabels()[ForLabel] != r.token:
		return nil
	}
	return r.hand.remove(ctx, object{kind, &metav1.ObjectMeta{Namespace: namespace, Name: name, UID: o.GetUID()}})
}
