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

// How long Velero may leave an object that nothing is in the way of before it counts as not running. Where it has come to an end with something of
// the same incident it ran: it may be starting on another node, and what is half brought back is not given up for that.
const (
	ignoredFor = time.Minute
	awaitedFor = silent
)

// ignoring notices that Velero does nothing about an object.
type ignoring struct {
	world
	kind  schema.GroupVersionResource
	since time.Time
}

// check takes an object back that Velero has not begun with for too long, so that it is not carried out when nobody expects it any more. Velero does
// one after the other: what waits behind another is not ignored.
func (i *ignoring) check(ctx context.Context, o *unstructured.Unstructured) error {
	if i.since.IsZero() {
		i.since = time.Now()
	}
	waited, patience := time.Since(i.since), i.within(ctx, ignoredFor)
	if waited < patience {
		return nil
	}
	busy, ran, err := i.others(ctx, o, time.Now().Add(-patience))
	switch {
	case err != nil || busy:
		i.since = time.Now()
		return err
	case ran:
		patience = i.within(ctx, awaitedFor)
	}
	if waited < patience {
		return nil
	}
	return i.giveUp(ctx, o, patience)
}

// giveUp takes an object back and says for how long Velero has not begun with it; nothing where it has begun after all.
func (i *ignoring) giveUp(ctx context.Context, o *unstructured.Unstructured, waited time.Duration) error {
	gone, err := i.withdraw(ctx, i.kind, o)
	if !gone {
		return err
	}
	return fmt.Errorf("Velero does not run: it has not begun with %s %s for %s; start it, or see its log", i.kind.Resource, o.GetName(), waited) //nolint:staticcheck // it is a name
}

// within is a patience that leaves half of the time that there is.
func (i *ignoring) within(ctx context.Context, patience time.Duration) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(patience, deadline.Sub(i.since)/2)
	}
	return patience
}

// others says whether Velero works on another object of the kind, or has come to an end with one lately, since between two it may draw breath; and
// whether it has ever come to an end with one of the same incident.
func (i *ignoring) others(ctx context.Context, mine *unstructured.Unstructured, lately time.Time) (busy, ran bool, err error) {
	incident := mine.GetAnnotations()[incidentAnnotation]
	err = each(ctx, i.reader, i.kind, mine.GetNamespace(), "", func(o *unstructured.Unstructured) error {
		phase, _, _ := unstructured.NestedString(o.Object, "status", "phase")
		if o.GetUID() == mine.GetUID() || isNew(phase) {
			return nil
		}
		completed, _, _ := unstructured.NestedString(o.Object, "status", "completionTimestamp")
		ended, err := time.Parse(time.RFC3339, completed)
		busy = busy || !hasEnded(phase) || err == nil && ended.After(lately)
		ran = ran || hasEnded(phase) && o.GetAnnotations()[incidentAnnotation] == incident
		return nil
	})
	return busy, ran, err
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
