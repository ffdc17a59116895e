package velero

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	pods           = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	storageClasses = schema.GroupVersionResource{Group: "storage.k8s.io", Version: "v1", Resource: "storageclasses"}
)

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
