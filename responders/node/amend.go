package node

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// amendment is a JSON merge patch of a node, bound to the state it was made from.
type amendment struct {
	Metadata struct {
		UID             types.UID          `json:"uid"`
		ResourceVersion string             `json:"resourceVersion"`
		Annotations     map[string]*string `json:"annotations,omitempty"` // nil removes
	} `json:"metadata"`
	Spec struct {
		Unschedulable *bool           `json:"unschedulable,omitempty"`
		Taints        *[]corev1.Taint `json:"taints,omitempty"` // the whole list
	} `json:"spec"`
}

func (a *amendment) annotate(key, value string) { a.set(key, &value) }
func (a *amendment) unannotate(key string)      { a.set(key, nil) }

func (a *amendment) set(key string, value *string) {
	if a.Metadata.Annotations == nil {
		a.Metadata.Annotations = map[string]*string{}
	}
	a.Metadata.Annotations[key] = value
}

// conflicts is how often a node may change between look and write before a step gives up.
const conflicts = 5

// amend looks at the node, asks edit what is to change, and writes that under the UID and resourceVersion it saw; a node
// that changed meanwhile is looked at again. A nil amendment means that nothing is left to do.
func amend(ctx context.Context, client kubernetes.Interface, target policies.Target,
	edit func(*corev1.Node) (*amendment, error)) error {
	for range conflicts {
		node, err := lookUp(ctx, client, target)
		if err != nil {
			return err
		}
		change, err := edit(node)
		if err != nil || change == nil {
			return err
		}
		if err = write(ctx, client, node, change); !apierrors.IsConflict(err) {
			return err
		}
	}
	return fmt.Errorf("write node %s: it changed between look and write %d times in a row; try again", target.Name, conflicts)
}

func write(ctx context.Context, client kubernetes.Interface, seen *corev1.Node, change *amendment) error {
	change.Metadata.UID, change.Metadata.ResourceVersion = seen.UID, seen.ResourceVersion
	patch, err := json.Marshal(change)
	if err != nil {
		return fmt.Errorf("encode the change of node %s: %w", seen.Name, err)
	}
	if err := responders.Guard(ctx); err != nil {
		return fmt.Errorf("write node %s: %w", seen.Name, err)
	}
	options := metav1.PatchOptions{FieldManager: "salvor"}
	if _, err = client.CoreV1().Nodes().Patch(ctx, seen.Name, types.MergePatchType, patch, options); err != nil {
		return fmt.Errorf("write node %s: %w", seen.Name, err)
	}
	return nil
}
