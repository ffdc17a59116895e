package velero

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// moved is how the movers of the contents of volumes of one restore stand. They may run on after the restore has ended.
type moved struct {
	running int
	failed  []string // a sentence each
}

// movers looks at the data movers of a restore. A Velero that does not know a kind has none of it.
func movers(ctx context.Context, client dynamic.Interface, namespace, restore string) (moved, error) {
	var all moved
	for _, kind := range []schema.GroupVersionResource{dataDownloads, podVolumeRestores} {
		err := each(ctx, client, kind, namespace, restoreLabel+"="+restore, func(o *unstructured.Unstructured) error {
			phase, _, _ := unstructured.NestedString(o.Object, "status", "phase")
			why, _, _ := unstructured.NestedString(o.Object, "status", "message")
			switch {
			case isMoving(o):
				all.running++
			case phase != "Completed":
				all.failed = append(all.failed, fmt.Sprintf("volume of %s: the data mover %s is %s: %s", volumeOf(o), o.GetName(), phase, line(why)))
			}
			return nil
		})
		if err != nil && !errors.Is(err, ErrNotInstalled) {
			return all, err
		}
	}
	return all, nil
}

// volumeOf is what a data mover moves, as people know it.
func volumeOf(o *unstructured.Unstructured) string {
	claim, _, _ := unstructured.NestedString(o.Object, "spec", "targetVolume", "pvc")
	pod, _, _ := unstructured.NestedString(o.Object, "spec", "pod", "name")
	namespace, _, _ := unstructured.NestedString(o.Object, "spec", "targetVolume", "namespace")
	if claim != "" {
		return "claim " + namespace + "/" + claim
	}
	namespace, _, _ = unstructured.NestedString(o.Object, "spec", "pod", "namespace")
	return "pod " + namespace + "/" + pod
}
