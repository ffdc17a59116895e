package velero

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	claims         = schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumeclaims"}
	volumes        = schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumes"}
	pods           = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	storageClasses = schema.GroupVersionResource{Group: "storage.k8s.io", Version: "v1", Resource: "storageclasses"}
)

// lookAtClaims finds the claims that are where is restored into. Velero leaves one that is there with its volume, whatever it is told about objects
// that exist: a plan that demands the contents of volumes is refused, and any other says so.
func (f *foresight) lookAtClaims(ctx context.Context) error {
	if isFalse(f.Volumes) || !f.takes(claims.Resource) {
		return nil
	}
	for _, namespace := range f.there {
		err := each(ctx, f.client, claims, namespace, f.Selector, func(claim *unstructured.Unstructured) error {
			volume, bound, _ := unstructured.NestedString(claim.Object, "spec", "volumeName")
			if !bound {
				volume = "no volume yet"
			}
			f.kept = append(f.kept, fmt.Sprintf("%s/%s: it is there, with %s", namespace, claim.GetName(), volume))
			return nil
		})
		if err != nil {
			return err
		}
	}
	if isTrue(f.Volumes) && len(f.kept) > 0 {
		return fmt.Errorf("restore the contents of volumes: a claim that is there keeps the volume that it has: %s; restore into another namespace by mapping, or its volume by volume.restore",
			strings.Join(f.kept[:min(3, len(f.kept))], "; "))
	}
	return nil
}

// unbound says that a claim has no volume. One whose class waits for the first pod has none as long as there is no pod for it, and lacks nothing.
func (i inspection) unbound(ctx context.Context, claim *unstructured.Unstructured) (string, error) {
	phase, _, _ := unstructured.NestedString(claim.Object, "status", "phase")
	switch phase {
	case "Bound":
		return "", nil
	case "Lost":
		return "has lost its volume", nil
	}
	class, _, _ := unstructured.NestedString(claim.Object, "spec", "storageClassName")
	if taken, err := i.taken(ctx, claim); taken != "" || err != nil {
		return taken, err
	}
	if class == "" {
		return "is not bound, and names no storage class", nil
	}
	found, err := find(ctx, i.client, storageClasses, "", class)
	if err != nil || found == nil {
		return "is not bound: there is no storage class " + class, err
	}
	if mode, _, _ := unstructured.NestedString(found.Object, "volumeBindingMode"); mode != "WaitForFirstConsumer" {
		return "is not bound", nil
	}
	used, err := i.isUsed(ctx, claim)
	if err != nil || !used {
		return "", err
	}
	return "is not bound", nil
}

// taken says that the volume which a claim names is not to be had.
func (i inspection) taken(ctx context.Context, claim *unstructured.Unstructured) (string, error) {
	name, _, _ := unstructured.NestedString(claim.Object, "spec", "volumeName")
	if name == "" {
		return "", nil
	}
	volume, err := find(ctx, i.client, volumes, "", name)
	if err != nil {
		return "", err
	}
	if volume == nil {
		return "is not bound: its volume " + name + " is not there", nil
	}
	namespace, _, _ := unstructured.NestedString(volume.Object, "spec", "claimRef", "namespace")
	holder, held, _ := unstructured.NestedString(volume.Object, "spec", "claimRef", "name")
	uid, _, _ := unstructured.NestedString(volume.Object, "spec", "claimRef", "uid")
	if held && uid != "" && uid != string(claim.GetUID()) {
		return fmt.Sprintf("is not bound: its volume %s is for claim %s/%s with UID %s; free it of that claim, or delete this one and restore without volumes", name, namespace, holder, uid), nil
	}
	return "", nil
}

// isUsed says whether a pod of its namespace has a claim.
func (i inspection) isUsed(ctx context.Context, claim *unstructured.Unstructured) (bool, error) {
	used := false
	err := each(ctx, i.client, pods, claim.GetNamespace(), "", func(pod *unstructured.Unstructured) error {
		volumes, _, _ := unstructured.NestedSlice(pod.Object, "spec", "volumes")
		used = used || slices.ContainsFunc(volumes, func(v any) bool {
			volume, _ := v.(map[string]any)
			name, _, _ := unstructured.NestedString(volume, "persistentVolumeClaim", "claimName")
			return name == claim.GetName()
		})
		return nil
	})
	return used, err
}
