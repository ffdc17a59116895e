package volume

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// driverOf is the CSI driver that holds the volume of a claim.
func (r room) driverOf(ctx context.Context, claim *corev1.PersistentVolumeClaim) (string, error) {
	switch {
	case claim == nil:
		return "", fmt.Errorf("there is no such claim")
	case claim.DeletionTimestamp != nil:
		return "", fmt.Errorf("it is being deleted")
	case !isBound(claim):
		return "", fmt.Errorf("it is %s and not bound to a volume, so there is nothing to take", claim.Status.Phase)
	}
	volume, err := volumeAt(ctx, r.reader, claim.Spec.VolumeName)
	switch {
	case err != nil:
		return "", err
	case volume == nil:
		return "", fmt.Errorf("its volume %s is gone", claim.Spec.VolumeName)
	case volume.Spec.CSI == nil:
		return "", fmt.Errorf("volume %s is %s and of no CSI driver, so no snapshot can be taken: back up its files instead", volume.Name, kindOf(volume))
	}
	return volume.Spec.CSI.Driver, nil
}

// mine refuses a snapshot that has the name of one of ours and is none.
func (s snapshot) mine(token, claim string) error {
	if s.token != token || s.claim != claim {
		return fmt.Errorf("%s is there and was not made by this step: delete or rename it", s)
	}
	return nil
}

// manifest is a VolumeSnapshot to be made.
func (r room) manifest(env responders.Env, namespace, name, class string, source map[string]any) *unstructured.Unstructured {
	spec := map[string]any{"source": source}
	if class != "" {
		spec["volumeSnapshotClassName"] = class
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": snapshotGroup + "/v1", "kind": "VolumeSnapshot", "spec": spec,
		"metadata": map[string]any{"namespace": namespace, "name": name, "labels": map[string]any{ForLabel: r.token}, "annotations": map[string]any{IncidentAnnotation: env.Incident}},
	}}
}

// described is a snapshot that is ready, with its size and handle.
func (r room) described(ctx context.Context, s snapshot) (string, error) {
	driver, handle, err := r.shelf.handle(ctx, s.content)
	if err != nil {
		return "", err
	}
	size := "size unknown"
	if s.size != nil {
		size = s.size.String()
	}
	return fmt.Sprintf("%s of %s is ready: %s, %s handle %s", s, s.taken.Format("2006-01-02 15:04 MST"), size, driver, handle), nil
}

// firstOf bounds what a finding tells.
func firstOf(lines []string) []string {
	const most = 20
	return lines[:min(most, len(lines))]
}

// command is what a person would type to take the snapshots.
func (s *Snapshot) command(at room, env responders.Env, claims []policies.Target, facts []taking) (string, error) {
	var all []any
	for i, claim := range claims {
		all = append(all, at.manifest(env, claim.Namespace, facts[i].Name, facts[i].Class, ofClaim(claim.Name)))
	}
	return command(all...)
}

func ofClaim(name string) map[string]any { return map[string]any{"persistentVolumeClaimName": name} }
