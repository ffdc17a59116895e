package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The groups of the medik8s remediations that fence, and what they write on themselves (medik8s/self-node-remediation
// internal/controller, medik8s/fence-agents-remediation pkg/utils/conditions.go, medik8s/common pkg/annotations).
const (
	selfNodeRemediation    = "self-node-remediation.medik8s.io"
	fenceAgentsRemediation = "fence-agents-remediation.medik8s.io"
	remediatedAnnotation   = "remediation.medik8s.io/node-name" // where the object is not named as the node
)

// remediator is a kind of remediation, and how one says that the node has been fenced.
type remediator struct {
	kind
	fenced func(object map[string]any) bool
}

func remediators() []remediator {
	at := func(group, resource string) schema.GroupVersionResource {
		return schema.GroupVersionResource{Group: group, Version: "v1alpha1", Resource: resource}
	}
	return []remediator{
		{kind{"SelfNodeRemediation", at(selfNodeRemediation, "selfnoderemediations")}, hasRebooted},
		{kind{"FenceAgentsRemediation", at(fenceAgentsRemediation, "fenceagentsremediations")}, hasBeenSwitched},
	}
}

// hasRebooted says whether a SelfNodeRemediation is past the time by which the node has rebooted itself, by its agent or by
// its watchdog, and past the removal of what ran on it.
func hasRebooted(object map[string]any) bool {
	phase, _, _ := unstructured.NestedString(object, "status", "phase")
	return phase == "Fencing-Completed"
}

// hasBeenSwitched says whether a fence agent has switched the machine off, or off and on again: it knows no other action.
func hasBeenSwitched(object map[string]any) bool {
	conditions, _, _ := unstructured.NestedSlice(object, "status", "conditions")
	for _, item := range conditions {
		condition, _ := item.(map[string]any)
		if condition["type"] == "FenceAgentActionSucceeded" {
			return condition["status"] == string(metav1.ConditionTrue)
		}
	}
	return false
}

// remediations looks for remediations that fenced the node. The machine may be on again: what ran on it before does not,
// until its kubelet has spoken to the API server, which renews the node's Lease. So only a remediation that began after the
// last renewal counts.
func (t trail) remediations(ctx context.Context) []stance {
	var found []stance
	for _, r := range remediators() {
		objects, _, why := t.list(ctx, r.kind, metav1.NamespaceAll)
		if why != "" {
			found = append(found, stance{why: why})
		}
		for i := range objects {
			if object := &objects[i]; isAbout(object, t.node) {
				found = append(found, t.judge(ctx, r, object))
			}
		}
	}
	return found
}

// isAbout says whether a remediation is of this very node: by the annotation, or else by its name. One that a Machine owns
// is about the Machine's node, whatever its name; one that is older than the node was about another of that name.
func isAbout(object *unstructured.Unstructured, node *corev1.Node) bool {
	name, annotated := object.GetAnnotations()[remediatedAnnotation]
	if !annotated {
		name = object.GetName()
	}
	for _, owner := range object.GetOwnerReferences() {
		if owner.Kind == "Machine" {
			return false
		}
	}
	created := object.GetCreationTimestamp()
	return name == node.Name && !created.Before(&node.CreationTimestamp)
}

func (t trail) judge(ctx context.Context, r remediator, object *unstructured.Unstructured) stance {
	called := r.called(object.GetNamespace(), object.GetName())
	switch {
	case object.GetDeletionTimestamp() != nil:
		return stance{why: called + " is being deleted"}
	case !r.fenced(object.Object):
		return stance{why: called + " has not fenced it"}
	}
	heard, err := t.lastHeard(ctx)
	switch {
	case err != nil:
		return stance{why: fmt.Sprintf("%s fenced it, and it is not known when it was last heard of: %v", called, err)}
	case !object.GetCreationTimestamp().After(heard):
		return stance{why: called + " is older than the last renewal of its Lease, so that it may have begun to run again"}
	}
	return stance{wayRemediation, true, called + " did it, and it was not heard of since"}
}

// lastHeard is when the node's Lease was last renewed, by the clock of the node or by that of the API server, whichever is
// later: a node whose clock is slow is not taken for one that has been silent for longer.
func (t trail) lastHeard(ctx context.Context) (time.Time, error) {
	lease, err := t.reader.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(ctx, t.node.Name, metav1.GetOptions{})
	if err != nil {
		return time.Time{}, fmt.Errorf("read its Lease: %w", err)
	}
	if lease.Spec.RenewTime == nil {
		return time.Time{}, errors.New("its Lease does not say when it was renewed")
	}
	last := lease.Spec.RenewTime.Time
	for _, entry := range lease.ManagedFields {
		if entry.Time != nil && entry.Time.After(last) {
			last = entry.Time.Time
		}
	}
	return last, nil
}
