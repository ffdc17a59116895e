package volume

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// awaiting is a move that waits until a claim of the step is bound. Where the storage refuses that, the claim is taken back.
func (r room) awaiting(claim *corev1.PersistentVolumeClaim, m move) move {
	m.against = func(ctx context.Context) (string, error) { return r.refused(ctx, claim) }
	m.undo = func(ctx context.Context) error { return r.withdraw(ctx, claimKind, claim.Namespace, claim.Name) }
	return m
}

// awaitingImport is a move of an import that waits. Where the storage refuses what it waits for, all that the import made is taken back, which
// leaves the snapshot in the storage as it is.
func (r room) awaitingImport(f importing, m move) move {
	namespace := f.Making.Claim.Namespace
	m.undo = func(ctx context.Context) error {
		if err := r.withdraw(ctx, claimKind, namespace, f.Making.Claim.Name); err != nil {
			return err
		}
		if err := r.letGo(ctx, namespace, f.Making.Snapshot); err != nil {
			return err
		}
		if err := r.withdraw(ctx, snapshotKind, namespace, f.Making.Snapshot); err != nil {
			return err
		}
		return r.withdraw(ctx, contentKind, "", f.Content)
	}
	return m
}

const (
	inUse     = "provisioner.storage.kubernetes.io/volumesnapshot-as-source-protection" // the finalizer of a snapshot that a provisioner makes a volume from
	letGoTime = 5 * time.Second
)

// letGo waits a little until no provisioner works with a snapshot any more. One that was told that there is no room tries on though the claim is
// gone, and could never end once the snapshot is deleted.
func (r room) letGo(ctx context.Context, namespace, name string) error {
	ctx, cancel := context.WithTimeout(ctx, letGoTime)
	defer cancel()
	for {
		o, err := r.shelf.client.Resource(snapshotKind).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			return nil
		case err != nil:
			return fmt.Errorf("read snapshot %s/%s: %w", namespace, name, err)
		case !slices.Contains(o.GetFinalizers(), inUse):
			return nil
		case !rest(ctx, firstPause):
			return fmt.Errorf("the storage still works with snapshot %s/%s: it and its content stay, and another try goes on with them", namespace, name)
		}
	}
}

// withdraw deletes an object that the step made, if it is there, and returns when it is gone.
func (r room) withdraw(ctx context.Context, kind schema.GroupVersionResource, namespace, name string) error {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		o, err := r.shelf.client.Resource(kind).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			return nil
		case err != nil:
			return fmt.Errorf("read %s %s: %w", kind.Resource, name, err)
		case o.GetLabels()[ForLabel] != r.token:
			return nil
		case o.GetDeletionTimestamp() == nil:
			if err := r.hand.remove(ctx, object{kind, &metav1.ObjectMeta{Namespace: namespace, Name: name, UID: o.GetUID()}}); err != nil {
				return err
			}
		}
		if !rest(ctx, pause) {
			return fmt.Errorf("%s %s is deleted and not gone: %w", kind.Resource, name, ctx.Err())
		}
	}
}
