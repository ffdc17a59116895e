package main

import (
	"context"
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/salvor-io/salvor/test/rig"
)

// renewals are when the Leases of the nodes were last renewed.
func renewals(ctx context.Context, r *rig.Rig) (map[string]time.Time, error) {
	list, err := r.Kube.CoordinationV1().Leases(corev1.NamespaceNodeLease).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list the leases: %w", err)
	}
	out := map[string]time.Time{}
	for _, lease := range list.Items {
		if lease.Spec.RenewTime != nil {
			out[lease.Name] = lease.Spec.RenewTime.Time
		}
	}
	return out, nil
}

// kill fails a node and returns when its Lease was last renewed.
func kill(ctx context.Context, r *rig.Rig, node string) (time.Time, error) {
	if err := r.Stack.FailNode(ctx, node); err != nil {
		return time.Time{}, err
	}
	all, err := renewals(ctx, r)
	if err != nil {
		return time.Time{}, err
	}
	if all[node].IsZero() {
		return time.Time{}, fmt.Errorf("the Lease of %s was never renewed", node)
	}
	return all[node], nil
}

// killApart fails all nodes, each right after it renewed its Lease and with a gap between the renewals, so that they are
// found silent one after the other and not at once.
func killApart(ctx context.Context, r *rig.Rig, nodes []string, gap time.Duration) error {
	left := map[string]bool{}
	for _, node := range nodes {
		left[node] = true
	}
	before, err := renewals(ctx, r)
	if err != nil {
		return err
	}
	var last time.Time
	for len(left) > 0 {
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
		now, err := renewals(ctx, r)
		if err != nil {
			return err
		}
		node := renewed(left, before, now, last.Add(gap))
		before = now
		if node == "" {
			continue
		}
		if err := r.Stack.FailNode(ctx, node); err != nil {
			return err
		}
		last = now[node]
		delete(left, node)
	}
	return nil
}

// renewed is a node that renewed its Lease between the two looks, not before the time given; "" when none did.
func renewed(nodes map[string]bool, before, now map[string]time.Time, from time.Time) string {
	for node := range maps.Keys(nodes) {
		if at := now[node]; at.After(before[node]) && !at.Before(from) {
			return node
		}
	}
	return ""
}

// pause waits, or returns why not.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
