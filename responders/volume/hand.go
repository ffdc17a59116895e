package volume

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/salvor-io/salvor/responders"
)

// hand makes writes to a cluster, each under the guard.
type hand struct{ client dynamic.Interface }

// object is one object that was seen, to be written under the state it was seen in.
type object struct {
	kind schema.GroupVersionResource
	meta *metav1.ObjectMeta
}

func (o object) String() string {
	if o.meta.Namespace == "" {
		return o.kind.Resource + "/" + o.meta.Name
	}
	return o.kind.Resource + "/" + o.meta.Namespace + "/" + o.meta.Name
}

// create makes an object that was not there when its step looked. One that is there by now is an error: the step looks again.
func (h hand) create(ctx context.Context, kind schema.GroupVersionResource, o *unstructured.Unstructured) error {
	if err := responders.Guard(ctx); err != nil {
		return fmt.Errorf("create %s %s: %w", kind.Resource, o.GetName(), err)
	}
	if _, err := h.client.Resource(kind).Namespace(o.GetNamespace()).Create(ctx, o, metav1.CreateOptions{FieldManager: "salvor"}); err != nil {
		return fmt.Errorf("create %s %s: %w", kind.Resource, o.GetName(), err)
	}
	return nil
}

// fields are what a merge patch sets; nil removes.
type fields map[string]any

// amend changes an object under the UID and resourceVersion it was seen in. Of its metadata it sets labels and annotations only.
func (h hand) amend(ctx context.Context, o object, labels, annotations, rest fields) error {
	meta := fields{"uid": o.meta.UID, "resourceVersion": o.meta.ResourceVersion}
	if labels != nil { // a null would take all of them away
		meta["labels"] = labels
	}
	if annotations != nil {
		meta["annotations"] = annotations
	}
	patch := fields{"metadata": meta}
	for key, value := range rest {
		patch[key] = value
	}
	raw, err := json.Marshal(patch)
	if err != nil {
		return fmt.Errorf("encode the change of %s: %w", o, err)
	}
	if err := responders.Guard(ctx); err != nil {
		return fmt.Errorf("write %s: %w", o, err)
	}
	options := metav1.PatchOptions{FieldManager: "salvor"}
	if _, err := h.client.Resource(o.kind).Namespace(o.meta.Namespace).Patch(ctx, o.meta.Name, types.MergePatchType, raw, options); err != nil {
		return fmt.Errorf("write %s: %w", o, err)
	}
	return nil
}

// remove deletes the very object that was seen. One that is gone by now is as good.
func (h hand) remove(ctx context.Context, o object) error {
	if err := responders.Guard(ctx); err != nil {
		return fmt.Errorf("delete %s: %w", o, err)
	}
	uid := o.meta.UID
	err := h.client.Resource(o.kind).Namespace(o.meta.Namespace).Delete(ctx, o.meta.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	if err == nil || apierrors.IsNotFound(err) {
		return nil
	}
	return fmt.Errorf("delete %s: %w", o, err)
}
