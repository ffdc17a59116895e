package velero

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/salvor-io/salvor/responders"
)

// Clusters gives clients for a cluster by its name: Custom one that observes, CustomWriter one that acts.
type Clusters interface {
	Custom(cluster string) (dynamic.Interface, error)
	CustomWriter(cluster string) (dynamic.Interface, error)
}

// world is a cluster that is written to.
type world struct{ reader, writer dynamic.Interface }

func open(clusters Clusters, cluster string) (world, error) {
	reader, err := clusters.Custom(cluster)
	if err != nil {
		return world{}, err
	}
	writer, err := clusters.CustomWriter(cluster)
	return world{reader, writer}, err
}

// find fetches an object; nil where there is none of that name.
func find(ctx context.Context, client dynamic.Interface, kind schema.GroupVersionResource, namespace, name string) (*unstructured.Unstructured, error) {
	o, err := client.Resource(kind).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read %s %s: %w", kind.Resource, name, err)
	}
	return o, nil
}

// make creates an object unless it was made before. One of that name that was made otherwise is refused.
func (w world) make(ctx context.Context, kind schema.GroupVersionResource, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	was, err := find(ctx, w.reader, kind, o.GetNamespace(), o.GetName())
	if err != nil {
		return nil, err
	}
	if was == nil {
		if err := responders.Guard(ctx); err != nil {
			return nil, fmt.Errorf("create %s %s: %w", kind.Resource, o.GetName(), err)
		}
		made, err := w.writer.Resource(kind).Namespace(o.GetNamespace()).Create(ctx, o, metav1.CreateOptions{FieldManager: "salvor"})
		if !apierrors.IsAlreadyExists(err) {
			return made, wrapped(err, "create", kind, o.GetName())
		}
		was, err = find(ctx, w.reader, kind, o.GetNamespace(), o.GetName())
		if was == nil {
			return nil, wrapped(cmp.Or(err, errors.New("it came and went; try again")), "create", kind, o.GetName())
		}
	}
	if was.GetAnnotations()[digestAnnotation] != o.GetAnnotations()[digestAnnotation] {
		return nil, fmt.Errorf("create %s %s/%s: there is another one of that name that was made otherwise; delete it if nobody needs it", kind.Resource, o.GetNamespace(), o.GetName())
	}
	return was, nil
}

func wrapped(err error, verb string, kind schema.GroupVersionResource, name string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s %s: %w", verb, kind.Resource, name, notInstalled(kind, err))
}

// amend writes a JSON merge patch of an object under the UID and resourceVersion that were seen.
func (w world) amend(ctx context.Context, kind schema.GroupVersionResource, seen *unstructured.Unstructured, change map[string]any) error {
	metadata, _ := change["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
		change["metadata"] = metadata
	}
	metadata["uid"], metadata["resourceVersion"] = string(seen.GetUID()), seen.GetResourceVersion()
	patch, err := json.Marshal(change)
	if err != nil {
		return fmt.Errorf("encode the change of %s %s: %w", kind.Resource, seen.GetName(), err)
	}
	if err := responders.Guard(ctx); err != nil {
		return fmt.Errorf("write %s %s: %w", kind.Resource, seen.GetName(), err)
	}
	_, err = w.writer.Resource(kind).Namespace(seen.GetNamespace()).Patch(ctx, seen.GetName(), types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "salvor"})
	return wrapped(err, "write", kind, seen.GetName())
}

// Between two looks passes a moment at least, and while nothing changes longer ones.
const (
	firstPause   = 50 * time.Millisecond
	longestPause = 2 * time.Second
)

// until looks again and again, ever less often, until look says that it is done or fails, or ctx ends: the error then says what was waited for.
func until(ctx context.Context, what string, look func(context.Context) (done bool, err error)) error {
	for pause := firstPause; ; pause = min(pause*3/2, longestPause) {
		done, err := look(ctx)
		if done || err != nil {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%s: %w", what, ctx.Err())
		case <-timer.C:
		}
	}
}

// pin stores a responder's own facts in the change.
func pin(change *responders.Change, facts any) error {
	raw, err := json.Marshal(facts)
	if err != nil {
		return fmt.Errorf("pin the facts of %s: %w", change.Responder, err)
	}
	change.Detail = raw
	return nil
}

// pinned reads what pin stored.
func pinned(change responders.Change, facts any) error {
	if err := json.Unmarshal(change.Detail, facts); err != nil {
		return fmt.Errorf("read the pinned facts of %s: %w", change.Responder, err)
	}
	return nil
}

func unknown(err error) (responders.Finding, error) {
	return responders.Finding{Outcome: responders.OutcomeUnknown}, err
}
