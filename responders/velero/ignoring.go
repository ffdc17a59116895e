package velero

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/salvor-io/salvor/responders"
)

// ignoredFor is how long Velero may leave an object that nothing is in the way of before it counts as not running.
const ignoredFor = time.Minute

// ignoring notices that Velero does nothing about an object.
type ignoring struct {
	world
	kind  schema.GroupVersionResource
	since time.Time
}

// check takes an object back that Velero has not begun with for too long, so that it is not carried out when nobody expects it any more. Velero does
// one after the other: what waits behind another is not ignored.
func (i *ignoring) check(ctx context.Context, o *unstructured.Unstructured, phase string) error {
	if !isNew(phase) {
		return nil
	}
	now := time.Now()
	if i.since.IsZero() {
		i.since = now
	}
	patience := ignoredFor
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, deadline.Sub(i.since)/2)
	}
	if now.Sub(i.since) < patience {
		return nil
	}
	busy, err := i.busy(ctx, o, now.Add(-patience))
	if err != nil || busy {
		i.since = now
		return err
	}
	silence := fmt.Errorf("Velero does not run: it has not begun with %s %s for %s; start it, or see its log", i.kind.Resource, o.GetName(), patience) //nolint:staticcheck // it is a name
	if gone, err := i.withdraw(ctx, i.kind, o); !gone {
		return err
	}
	return silence
}

// busy says whether Velero works on another object of the kind, or has come to an end with one lately: between two it may draw breath.
func (i *ignoring) busy(ctx context.Context, mine *unstructured.Unstructured, lately time.Time) (bool, error) {
	busy := false
	err := each(ctx, i.reader, i.kind, mine.GetNamespace(), "", func(o *unstructured.Unstructured) error {
		phase, _, _ := unstructured.NestedString(o.Object, "status", "phase")
		completed, _, _ := unstructured.NestedString(o.Object, "status", "completionTimestamp")
		ended, err := time.Parse(time.RFC3339, completed)
		busy = busy || o.GetUID() != mine.GetUID() && !isNew(phase) && (!hasEnded(phase) || err == nil && ended.After(lately))
		return nil
	})
	return busy, err
}

// withdraw deletes an object that Velero has not begun with. It is not gone where Velero has begun after all.
func (w world) withdraw(ctx context.Context, kind schema.GroupVersionResource, o *unstructured.Unstructured) (gone bool, err error) {
	if err := responders.Guard(ctx); err != nil {
		return false, fmt.Errorf("delete %s %s: %w", kind.Resource, o.GetName(), err)
	}
	uid, seen := o.GetUID(), o.GetResourceVersion()
	options := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid, ResourceVersion: &seen}}
	err = w.writer.Resource(kind).Namespace(o.GetNamespace()).Delete(ctx, o.GetName(), options)
	switch {
	case apierrors.IsConflict(err):
		return false, nil
	case err != nil && !apierrors.IsNotFound(err):
		return false, fmt.Errorf("delete %s %s, with which Velero has not begun: %w", kind.Resource, o.GetName(), err)
	}
	return true, nil
}
