package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/placement"
)

const (
	controlPlaneLabel = "node-role.kubernetes.io/control-plane"
	askAgain          = 500 * time.Millisecond // between two questions to a power switch
)

// powerOff looks whether the machine of the very node is off, asks its switch for it otherwise, unless the node is not silent any
// more, and returns once the switch says that it is off. A switch that refuses, or does not come to say so before ctx ends, is an
// error.
func powerOff(ctx context.Context, client kubernetes.Interface, power Power, target policies.Target, silent func(context.Context) error) error {
	node, err := lookUp(ctx, client, target)
	if err != nil {
		return err
	}
	off, err := power.IsOff(ctx, target.Name)
	if err != nil {
		return fmt.Errorf("ask the power switch about %s: %w", target.Name, err)
	}
	if off {
		return nil
	}
	if err := spareControlPlane(ctx, client, node); err != nil {
		return err
	}
	if err := silent(ctx); err != nil {
		return fmt.Errorf("power off %s: %w", target.Name, err)
	}
	if err := responders.Guard(ctx); err != nil {
		return fmt.Errorf("power off %s: %w", target.Name, err)
	}
	if err := power.Off(ctx, target.Name); err != nil {
		return fmt.Errorf("power off %s: %w", target.Name, err)
	}
	return seeOff(ctx, power, target.Name)
}

// demandSilence refuses when the node has renewed its Lease since the plan was made: it runs, whatever else is wrong with it.
func demandSilence(ctx context.Context, client kubernetes.Interface, node, renewed string) error {
	now, err := renewal(ctx, client, node)
	if err == nil && now != renewed {
		err = fmt.Errorf("it has renewed its Lease at %s, after the plan was made: it runs again", now)
	}
	return err
}

// renewal is when the node's Lease was last renewed, as the Lease says it; empty when it has none.
func renewal(ctx context.Context, client kubernetes.Interface, node string) (string, error) {
	lease, err := client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(ctx, node, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err), err == nil && lease.Spec.RenewTime == nil:
		return "", nil
	case err != nil:
		return "", fmt.Errorf("read the Lease of %s: %w", node, err)
	}
	return lease.Spec.RenewTime.UTC().Format(time.RFC3339Nano), nil
}

// seeOff asks until the switch says off. Answers that are errors are asked again: a machine that goes down may take a
// while to be known.
func seeOff(ctx context.Context, power Power, node string) error {
	ticker := time.NewTicker(askAgain)
	defer ticker.Stop()
	var last error
	for {
		off, err := power.IsOff(ctx, node)
		if err == nil && off {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("see %s off: its power switch took the request but never said that it is off: %w", node, ctx.Err()), last)
		case <-ticker.C:
		}
	}
}

// spareControlPlane refuses to take the power of the last control plane node that is well.
func spareControlPlane(ctx context.Context, client kubernetes.Interface, node *corev1.Node) error {
	if _, ok := node.Labels[controlPlaneLabel]; !ok {
		return nil
	}
	list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: controlPlaneLabel})
	if err != nil {
		return fmt.Errorf("list control plane nodes: %w", err)
	}
	for _, other := range list.Items {
		if other.UID != node.UID && placement.IsReady(&other) {
			return nil
		}
	}
	return fmt.Errorf("power off %s: no other control plane node is ready; bring one up first", node.Name)
}

// sentence joins names as people write them: "a", "a and b", "a, b and c".
func sentence(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
