package census

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// each reads all objects of a kind that Kubernetes itself does not define.
func (t *taking) each(ctx context.Context, kind schema.GroupVersionResource, keep func(object)) error {
	return pages(ctx, func(opts metav1.ListOptions) (metav1.ListInterface, int, error) {
		list, err := t.clients.Dynamic.Resource(kind).List(ctx, opts)
		if err != nil {
			return nil, 0, err
		}
		for i := range list.Items {
			keep(object{&list.Items[i]})
		}
		return list, len(list.Items), nil
	})
}

// object is one object of such a kind. What is not there, or has another shape, is empty.
type object struct{ *unstructured.Unstructured }

func (o object) text(path ...string) string {
	text, _, _ := unstructured.NestedString(o.Object, path...)
	return text
}

func (o object) flag(path ...string) bool {
	flag, _, _ := unstructured.NestedBool(o.Object, path...)
	return flag
}

func (o object) time(path ...string) time.Time {
	at, err := time.Parse(time.RFC3339, o.text(path...))
	if err != nil {
		return time.Time{}
	}
	return at
}

func (o object) list(path ...string) []object {
	items, _, _ := unstructured.NestedSlice(o.Object, path...)
	var out []object
	for _, item := range items {
		if fields, ok := item.(map[string]any); ok {
			out = append(out, object{&unstructured.Unstructured{Object: fields}})
		}
	}
	return out
}
