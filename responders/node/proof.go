package node

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// way is how it becomes known that a node cannot write any more. A way is chosen once, by Preview, and never weakened: a
// plan that promised proof does not go on without it.
type way string

const (
	wayShutdown way = "shutdown taint" // the cloud provider says that the machine is shut down
	wayPower    way = "power switch"   // the power switch says that the machine is off
	wayAccepted way = "accepted"       // nothing says so; people accepted the risk
)

// absent says what is missing when the way does not lead to proof.
func (w way) absent() string {
	if w == wayAccepted {
		return "nothing on the node says that people accepted the risk"
	}
	return "nothing says that it is off"
}

// shutdownTaint is set by cloud providers on nodes whose instance is shut down.
const shutdownTaint = "node.cloudprovider.kubernetes.io/shutdown"

// powers are the power switches, by cluster.
type powers map[string]Power

// stance is what can be known about one node: the way, whether the node is proven off already, and why there is no proof.
type stance struct {
	way    way
	proven bool
	why    string
}

// weigh finds the best way there is. A switch that does not answer counts as none, but for the end of ctx.
func (p powers) weigh(ctx context.Context, cluster string, node *corev1.Node) (stance, error) {
	if isShutDown(node) {
		return stance{way: wayShutdown, proven: true}, nil
	}
	power, ok := p[cluster]
	if !ok {
		return stance{way: wayAccepted, why: "no power switch is configured for cluster " + cluster}, nil
	}
	off, err := power.IsOff(ctx, node.Name)
	switch {
	case ctx.Err() != nil:
		return stance{}, fmt.Errorf("ask the power switch about %s: %w", node.Name, ctx.Err())
	case err != nil:
		return stance{way: wayAccepted, why: fmt.Sprintf("its power switch cannot be asked: %v", err)}, nil
	}
	return stance{way: wayPower, proven: off}, nil
}

// isProvenOff asks the world whether the node is off now. Not to know is an error.
func (p powers) isProvenOff(ctx context.Context, cluster string, node *corev1.Node) (bool, error) {
	if isShutDown(node) {
		return true, nil
	}
	power, err := p.of(cluster)
	if err != nil {
		return false, err
	}
	off, err := power.IsOff(ctx, node.Name)
	if err != nil {
		return false, fmt.Errorf("ask the power switch about %s: %w", node.Name, err)
	}
	return off, nil
}

func (p powers) of(cluster string) (Power, error) {
	if power, ok := p[cluster]; ok {
		return power, nil
	}
	return nil, fmt.Errorf("no power switch is configured for cluster %s", cluster)
}

func isShutDown(node *corev1.Node) bool { return taintOf(node, shutdownTaint) != nil }

func taintOf(node *corev1.Node, key string) *corev1.Taint {
	for i := range node.Spec.Taints {
		if node.Spec.Taints[i].Key == key {
			return &node.Spec.Taints[i]
		}
	}
	return nil
}
