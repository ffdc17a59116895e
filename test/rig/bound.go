package rig

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Bound is the StatefulSet that Bind makes.
const Bound = "ledger-db"

// Bind makes a StatefulSet of one pod in the shop on a volume that only the nodes of a zone reach, of which there is a snapshot, and waits until it
// runs there. The function it gives takes all of it away again.
func (r *Rig) Bind(ctx context.Context, zone string) (unbind func(context.Context) error, err error) {
	if err := r.Stack.Apply(ctx, []byte(snapshots)); err != nil {
		return nil, err
	}
	err = Wait(ctx, 30*time.Second, "the API server knows of snapshots", func(ctx context.Context) (bool, error) {
		err := r.Stack.Apply(ctx, fmt.Appendf(nil, snapshot, time.Now().Add(-47*time.Minute).UTC().Format(time.RFC3339)))
		return err == nil, err
	})
	if err != nil {
		return nil, err
	}
	if err := r.Stack.Apply(ctx, fmt.Appendf(nil, bound, zone)); err != nil {
		return nil, err
	}
	return r.unbind, Wait(ctx, 60*time.Second, Bound+" runs", r.boundRuns)
}

func (r *Rig) boundRuns(ctx context.Context) (bool, error) {
	set, err := r.Kube.AppsV1().StatefulSets(Shop).Get(ctx, Bound, metav1.GetOptions{})
	if err != nil {
		return false, fmt.Errorf("read statefulset %s: %w", Bound, err)
	}
	return set.Status.AvailableReplicas == 1, nil
}

func (r *Rig) unbind(ctx context.Context) error {
	now := metav1.DeleteOptions{GracePeriodSeconds: new(int64)}
	var wrong error
	for _, err := range []error{
		r.Kube.AppsV1().StatefulSets(Shop).Delete(ctx, Bound, metav1.DeleteOptions{}),
		r.Kube.CoreV1().Pods(Shop).Delete(ctx, Bound+"-0", now),
		r.Kube.CoreV1().PersistentVolumeClaims(Shop).Delete(ctx, "data-"+Bound+"-0", now),
		r.Kube.CoreV1().PersistentVolumes().Delete(ctx, "disk-17", now),
	} {
		if err != nil && !apierrors.IsNotFound(err) {
			wrong = errors.Join(wrong, fmt.Errorf("take %s away: %w", Bound, err))
		}
	}
	return wrong
}

const bound = `
apiVersion: v1
kind: PersistentVolume
metadata: {name: disk-17}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  storageClassName: none
  hostPath: {path: /disks/17}
  claimRef: {namespace: shop, name: data-ledger-db-0}
  nodeAffinity:
    required:
      nodeSelectorTerms:
        - matchExpressions: [{key: topology.kubernetes.io/zone, operator: In, values: [%s]}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: ledger-db, namespace: shop}
spec:
  serviceName: ledger-db
  replicas: 1
  selector: {matchLabels: {app: ledger-db}}
  template:
    metadata: {labels: {app: ledger-db}}
    spec:
      containers: [{name: db, image: "registry.invalid/db:1", volumeMounts: [{name: data, mountPath: /data}]}]
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], storageClassName: none, volumeName: disk-17, resources: {requests: {storage: 1Gi}}}
`

// snapshots is the kind of volume snapshots, as far as it is looked at.
const snapshots = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: volumesnapshots.snapshot.storage.k8s.io
  annotations: {api-approved.kubernetes.io: "unapproved, the part of it that is looked at"}
spec:
  group: snapshot.storage.k8s.io
  scope: Namespaced
  names: {kind: VolumeSnapshot, listKind: VolumeSnapshotList, plural: volumesnapshots, singular: volumesnapshot}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

const snapshot = `
apiVersion: snapshot.storage.k8s.io/v1
kind: VolumeSnapshot
metadata: {name: ledger-nightly, namespace: shop}
spec: {source: {persistentVolumeClaimName: data-ledger-db-0}}
status: {readyToUse: true, creationTime: "%s"}
`
