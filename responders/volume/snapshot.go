package volume

import (
	"context"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// snapshot is a VolumeSnapshot as far as it tells.
type snapshot struct {
	namespace, name string
	uid             types.UID
	token           string // of the step that made it, if one did
	incident        string // for which it was made, if by Salvor
	claim           string // of which it was taken; empty where it was brought in from elsewhere
	content         string // the VolumeSnapshotContent that it is bound to
	ready           bool
	deleting        bool
	wrong           string             // what its driver last said that is wrong
	taken           time.Time          // zero where it does not say
	size            *resource.Quantity // that a volume made from it has at least; nil where it does not say
}

func (s snapshot) String() string { return "snapshot " + s.namespace + "/" + s.name }

func snapshotOf(o *unstructured.Unstructured) snapshot {
	text := func(path ...string) string {
		value, _, _ := unstructured.NestedString(o.Object, path...)
		return value
	}
	s := snapshot{namespace: o.GetNamespace(), name: o.GetName(), uid: o.GetUID(), token: o.GetLabels()[ForLabel], incident: o.GetAnnotations()[IncidentAnnotation], deleting: o.GetDeletionTimestamp() != nil,
		claim: text("spec", "source", "persistentVolumeClaimName"), content: text("status", "boundVolumeSnapshotContentName"), wrong: text("status", "error", "message")}
	s.ready, _, _ = unstructured.NestedBool(o.Object, "status", "readyToUse")
	if at, err := time.Parse(time.RFC3339, text("status", "creationTime")); err == nil {
		s.taken = at.UTC()
	}
	if size, err := resource.ParseQuantity(text("status", "restoreSize")); err == nil {
		s.size = &size
	}
	return s
}

// unusable says why nothing can be restored from a snapshot now, or nothing.
func (s snapshot) unusable() string {
	switch {
	case s.deleting:
		return "it is being deleted"
	case !s.ready && s.wrong != "":
		return "it is not ready to use: " + brief(s.wrong)
	case !s.ready:
		return "it is not ready to use"
	case s.taken.IsZero():
		return "it does not say when it was taken"
	case s.content == "":
		return "it is bound to no content"
	}
	return ""
}

// brief is the beginning of what somebody else wrote: it may be long.
func brief(text string) string {
	const longest = 300
	if len(text) <= longest {
		return text
	}
	return strings.ToValidUTF8(text[:longest], "") + "..."
}

// shelf is where the snapshots of a cluster are read.
type shelf struct{ client dynamic.Interface }

// one reads a snapshot by its name; false where there is none.
func (s shelf) one(ctx context.Context, namespace, name string) (snapshot, bool, error) {
	o, err := s.client.Resource(snapshotKind).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return snapshot{}, false, s.installed(ctx)
	case err != nil:
		return snapshot{}, false, fmt.Errorf("read snapshot %s/%s: %w", namespace, name, err)
	}
	return snapshotOf(o), true, nil
}

// of lists the snapshots of a namespace.
func (s shelf) of(ctx context.Context, namespace string) ([]snapshot, error) {
	list, err := s.client.Resource(snapshotKind).Namespace(namespace).List(ctx, metav1.ListOptions{Limit: most})
	switch {
	case apierrors.IsNotFound(err):
		return nil, errNoSnapshots
	case err != nil:
		return nil, fmt.Errorf("list the snapshots of namespace %s: %w", namespace, err)
	case list.GetContinue() != "":
		return nil, fmt.Errorf("list the snapshots of namespace %s: there are more than %d", namespace, most)
	}
	var all []snapshot
	for i := range list.Items {
		all = append(all, snapshotOf(&list.Items[i]))
	}
	return all, nil
}

// installed tells a snapshot that is not there from a cluster that has none at all.
func (s shelf) installed(ctx context.Context) error {
	_, err := s.client.Resource(snapshotClasses).List(ctx, metav1.ListOptions{Limit: 1})
	if apierrors.IsNotFound(err) {
		return errNoSnapshots
	}
	if err != nil {
		return fmt.Errorf("look whether the cluster takes snapshots: %w", err)
	}
	return nil
}

// handle is by what a driver knows the snapshot of a content, and which driver that is.
func (s shelf) handle(ctx context.Context, content string) (driver, handle string, err error) {
	o, err := s.client.Resource(contentKind).Get(ctx, content, metav1.GetOptions{})
	if err != nil {
		return "", "", fmt.Errorf("read snapshot content %s: %w", content, err)
	}
	driver, _, _ = unstructured.NestedString(o.Object, "spec", "driver")
	handle, _, _ = unstructured.NestedString(o.Object, "status", "snapshotHandle")
	return driver, handle, nil
}
