package main

import (
	"context"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/component-helpers/apimachinery/lease"
	"k8s.io/utils/clock"
)

// The kubelet's defaults.
const (
	leaseSeconds  = 40
	renewInterval = 10 * time.Second
)

// renewLease renews the Lease of a node until ctx ends, as its kubelet would.
func renewLease(ctx context.Context, client kubernetes.Interface, node string) {
	own := func(l *coordinationv1.Lease) error { return setOwner(ctx, client, node, l) }
	lease.NewController(clock.RealClock{}, client, node, leaseSeconds, nil, renewInterval,
		node, corev1.NamespaceNodeLease, own).Run(ctx)
}

// setOwner makes the Lease go when its node goes.
func setOwner(ctx context.Context, client kubernetes.Interface, name string, l *coordinationv1.Lease) error {
	if len(l.OwnerReferences) > 0 {
		return nil
	}
	node, err := client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	l.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: name, UID: node.UID}}
	return nil
}
