package volume

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// importStages are the stages of an import: content, snapshot, claim, bound.
const importStages = 4

// Apply makes content, snapshot and claim, each where it is not there yet, and waits until the claim is bound.
func (i *Import) Apply(ctx context.Context, env responders.Env, change responders.Change) error {
	if change.Nothing {
		return nil
	}
	at, facts, err := i.open(env, change, openToAct)
	if err != nil {
		return err
	}
	return drive(ctx, importStages, func(ctx context.Context) (move, error) { return i.next(ctx, at, env, facts) })
}

// Verify looks whether the claim is bound to a volume from the snapshot.
func (i *Import) Verify(ctx context.Context, env responders.Env, change responders.Change) (responders.Finding, error) {
	at, facts, err := i.open(env, change, openRoom)
	if err != nil {
		return unknown(err)
	}
	claim, err := claimAt(ctx, at.reader, facts.Making.Claim.Namespace, facts.Making.Claim.Name)
	if err != nil {
		return unknown(err)
	}
	if why := at.unbound(claim); why != "" {
		return responders.FindingOf(1, []string{fmt.Sprintf("claim %s/%s %s", facts.Making.Claim.Namespace, facts.Making.Claim.Name, why)}), nil
	}
	size := claim.Status.Capacity["storage"]
	return responders.Finding{Outcome: responders.OutcomeVerified,
		Detail: []string{fmt.Sprintf("claim %s/%s is bound to volume %s (%s) from handle %s", claim.Namespace, claim.Name, claim.Spec.VolumeName, size.String(), facts.Handle)}}, nil
}

func (i *Import) open(env responders.Env, change responders.Change, open func(Clusters, responders.Env, ...string) (room, error)) (room, importing, error) {
	var facts importing
	if err := pinned(change, &facts); err != nil {
		return room{}, facts, err
	}
	claim := facts.Making.Claim
	if claim == nil {
		return room{}, facts, errors.New("read the pinned facts of volume.import: they name no claim")
	}
	at, err := open(i.clusters, env, claim.Namespace, claim.Name)
	return at, facts, err
}

// next is what has to happen now: the claim comes last, so that a handle that leads to nothing leaves no claim behind that waits.
func (i *Import) next(ctx context.Context, at room, env responders.Env, f importing) (move, error) {
	claim, err := claimAt(ctx, at.reader, f.Making.Claim.Namespace, f.Making.Claim.Name)
	switch {
	case err != nil:
		return move{}, err
	case claim != nil && claim.Labels[ForLabel] != at.token:
		return move{}, fmt.Errorf("claim %s/%s exists by now and was not made by this step", claim.Namespace, claim.Name)
	case claim != nil && isBound(claim):
		return move{done: importStages}, nil
	}
	content, err := at.shelf.contentOf(ctx, f.Content, at.token)
	if err != nil {
		return move{}, err
	}
	switch name := "snapshot content " + f.Content; {
	case content == nil:
		return move{open: name + " is not there", do: func(ctx context.Context) error { return at.hand.create(ctx, contentKind, f.content(env, at.token)) }}, nil
	case content.GetDeletionTimestamp() != nil:
		return move{open: name + " is deleted and not gone"}, nil
	}
	return f.contained(ctx, at, env, claim, text(*content, "spec", "volumeSnapshotRef", "uid"))
}

// contained is what has to happen once the content is there, which is bound to a snapshot of a UID or to none.
func (f importing) contained(ctx context.Context, at room, env responders.Env, claim *corev1.PersistentVolumeClaim, bound string) (move, error) {
	namespace, name := f.Making.Claim.Namespace, f.Making.Snapshot
	found, there, err := at.shelf.one(ctx, namespace, name)
	switch {
	case err != nil:
		return move{}, err
	case there && found.mine(at.token, "") != nil:
		return move{}, found.mine(at.token, "")
	case there && found.deleting:
		return move{done: 1, open: found.String() + " is deleted and not gone"}, nil
	case bound != "" && (!there || bound != string(found.uid)): // it can be bound to no other any more
		return move{open: "snapshot content " + f.Content + " is bound to a snapshot that is gone",
			do: func(ctx context.Context) error { return at.withdraw(ctx, contentKind, "", f.Content) }}, nil
	case !there:
		return move{done: 1, open: fmt.Sprintf("snapshot %s/%s is not there", namespace, name), do: func(ctx context.Context) error {
			return at.hand.create(ctx, snapshotKind, at.manifest(env, namespace, name, f.Class, f.inContent()))
		}}, nil
	}
	return f.claimed(at, env, found, claim)
}

// claimed is what has to happen once the snapshot is there.
func (f importing) claimed(at room, env responders.Env, found snapshot, claim *corev1.PersistentVolumeClaim) (move, error) {
	name, asked := f.Making.Claim.Namespace+"/"+f.Making.Claim.Name, f.Making.Claim.Spec.Resources.Requests["storage"]
	switch {
	case claim != nil:
		return at.awaitingImport(f, at.awaiting(claim, move{done: 3, open: "claim " + name + " " + at.unbound(claim)})), nil
	case !found.ready:
		wrong := func(context.Context) (string, error) { return found.wrong, nil }
		return at.awaitingImport(f, move{done: 2, open: found.String() + " is not ready to use", against: wrong}), nil
	case found.size != nil && found.size.Cmp(asked) > 0:
		return move{}, fmt.Errorf("%s holds %s, more than the %s that were asked for: set \"size\" to at least that", found, found.size.String(), asked.String())
	}
	return move{done: 3, open: "claim " + name + " is not there", do: func(ctx context.Context) error { return at.make(ctx, env.Incident, f.Making) }}, nil
}

func (f importing) inContent() map[string]any {
	return map[string]any{"volumeSnapshotContentName": f.Content}
}

// content is the VolumeSnapshotContent to be made: a snapshot that is there already, and that stays whatever is deleted here.
func (f importing) content(env responders.Env, token string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": snapshotGroup + "/v1", "kind": "VolumeSnapshotContent",
		"metadata": map[string]any{"name": f.Content, "labels": map[string]any{ForLabel: token}, "annotations": map[string]any{IncidentAnnotation: env.Incident}},
		"spec": map[string]any{"deletionPolicy": "Retain", "driver": f.Driver, "volumeSnapshotClassName": f.Class,
			"source":            map[string]any{"snapshotHandle": f.Handle},
			"volumeSnapshotRef": map[string]any{"namespace": f.Making.Claim.Namespace, "name": f.Making.Snapshot}},
	}}
}

// contentOf is the content of a step; nil where there is none. One of its name that is not its own is an error.
func (s shelf) contentOf(ctx context.Context, name, token string) (*unstructured.Unstructured, error) {
	o, err := s.client.Resource(contentKind).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read snapshot content %s: %w", name, err)
	case o.GetLabels()[ForLabel] != token:
		return nil, fmt.Errorf("snapshot content %s is there and was not made by this step: delete it first", name)
	}
	return o, nil
}

// unclaimed refuses a handle that another content of the cluster stands for: two may disagree on whether the storage keeps it.
func (s shelf) unclaimed(ctx context.Context, from source, own string) error {
	list, err := s.client.Resource(contentKind).List(ctx, metav1.ListOptions{Limit: most})
	if err != nil {
		return fmt.Errorf("list snapshot contents: %w", err)
	}
	for _, item := range list.Items {
		known := text(item, "spec", "source", "snapshotHandle") == from.Handle || text(item, "status", "snapshotHandle") == from.Handle
		if item.GetName() != own && known && text(item, "spec", "driver") == from.Driver {
			return fmt.Errorf("the cluster has it already, as snapshot %s/%s: restore from that by volume.restore",
				text(item, "spec", "volumeSnapshotRef", "namespace"), text(item, "spec", "volumeSnapshotRef", "name"))
		}
	}
	return nil
}

func text(o unstructured.Unstructured, path ...string) string {
	value, _, _ := unstructured.NestedString(o.Object, path...)
	return value
}

// space is the namespace in which something is made, which is what a plan names where the object is not there yet.
func (r room) space(ctx context.Context, name string) (policies.Target, error) {
	found, err := r.reader.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return policies.Target{}, fmt.Errorf("there is no namespace %s: make it first", name)
	case err != nil:
		return policies.Target{}, fmt.Errorf("read namespace %s: %w", name, err)
	case found.DeletionTimestamp != nil:
		return policies.Target{}, fmt.Errorf("namespace %s is being deleted: nothing can be made in it", name)
	}
	return policies.Target{Kind: "Namespace", Name: name, UID: string(found.UID)}, nil
}

func (r room) hasDriver(ctx context.Context, driver string) error {
	_, err := r.reader.StorageV1().CSIDrivers().Get(ctx, driver, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("driver %s is not installed in this cluster: there is no CSIDriver of that name", driver)
	}
	if err != nil {
		return fmt.Errorf("look for CSI driver %s: %w", driver, err)
	}
	return nil
}
