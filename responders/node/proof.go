package node

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/placement"
)

// way is how it becomes known that a node cannot write any more. A way is chosen once, by Preview, and never weakened: a
// plan that promised proof does not go on without it.
type way string

const (
	wayShutdown    way = "shutdown taint" // the cloud provider says that the machine is shut down
	wayPower       way = "power switch"   // the power switch says that the machine is off
	wayMachine     way = "machine gone"   // who manages the machine has deleted its instance
	wayRemediation way = "remediation"    // medik8s has fenced the node since it was last heard of
	wayAccepted    way = "accepted"       // nothing says so; people accepted the risk
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

// stance is what can be known about one node: the way, whether the node is proven off already, and what proves it, or else
// why there is no proof.
type stance struct {
	way    way
	proven bool
	why    string
}

// already says of a node that is proven off what proves it.
func (s stance) already(node string) string {
	if s.way == wayRemediation {
		return fmt.Sprintf("%s is fenced already: %s", node, s.why)
	}
	return fmt.Sprintf("%s is off already: %s", node, s.why)
}

// proofs are the places where it can become known that a node is off.
type proofs struct {
	clusters Clusters
	powers   map[string]Power // by cluster
}

// proofGrants are the reads that the proofs take beside those of nodes.
func proofGrants() []responders.Grant {
	return []responders.Grant{
		{Group: "coordination.k8s.io", Resource: "leases", Verbs: []string{"get"}},
		{Group: openshift, Resource: "machines", Verbs: []string{"list"}},
		{Group: clusterAPI, Resource: "clusters", Verbs: []string{"get"}},
		{Group: clusterAPI, Resource: "machines", Verbs: []string{"list"}},
		{Group: selfNodeRemediation, Resource: "selfnoderemediations", Verbs: []string{"list"}},
		{Group: fenceAgentsRemediation, Resource: "fenceagentsremediations", Verbs: []string{"list"}},
	}
}

// weigh finds the best way there is. What cannot be asked proves nothing; the only error is the end of ctx.
func (p proofs) weigh(ctx context.Context, cluster string, node *corev1.Node) (stance, error) {
	found := p.find(ctx, cluster, node)
	if !found.proven && ctx.Err() != nil {
		return stance{}, fmt.Errorf("look for proof that %s is off: %w", node.Name, ctx.Err())
	}
	return found, nil
}

// find asks one place after the other. A power switch that answers has the last word: it is asked about this very moment,
// the others tell what was done.
func (p proofs) find(ctx context.Context, cluster string, node *corev1.Node) stance {
	if isShutDown(node) {
		return stance{wayShutdown, true, "its shutdown taint says so"}
	}
	off, err := p.ask(ctx, cluster, node.Name)
	switch {
	case err == nil && off:
		return stance{wayPower, true, "its power switch says so"}
	case err == nil:
		return stance{wayPower, false, "its power switch says that it is on"}
	}
	whys := []string{err.Error()}
	for _, trace := range p.traces(ctx, cluster, node) {
		if trace.proven {
			return trace
		}
		if trace.why != "" {
			whys = append(whys, trace.why)
		}
	}
	return stance{way: wayAccepted, why: strings.Join(whys, "; ")}
}

// ask asks the power switch whether the machine is off. The error says why it cannot be asked.
func (p proofs) ask(ctx context.Context, cluster, node string) (bool, error) {
	power, err := p.of(cluster)
	if err != nil {
		return false, err
	}
	off, err := power.IsOff(ctx, node)
	if err != nil {
		return false, fmt.Errorf("its power switch cannot be asked: %w", err)
	}
	return off, nil
}

func (p proofs) of(cluster string) (Power, error) {
	if power, ok := p.powers[cluster]; ok {
		return power, nil
	}
	return nil, fmt.Errorf("no power switch is configured for cluster %s", cluster)
}

// traces are what others left who take machines away or fence them. A node that is ready runs, whatever they left.
func (p proofs) traces(ctx context.Context, cluster string, node *corev1.Node) []stance {
	if placement.IsReady(node) {
		return []stance{{why: "it is ready"}}
	}
	reader, err := p.clusters.Reader(cluster)
	if err != nil {
		return []stance{{why: err.Error()}}
	}
	custom, err := p.clusters.Custom(cluster)
	if err != nil {
		return []stance{{why: err.Error()}}
	}
	trail := trail{reader, custom, node}
	return append([]stance{trail.machine(ctx)}, trail.remediations(ctx)...)
}

// isProvenOff asks the world whether the node is off now. Not to know is an error that says why.
func (p proofs) isProvenOff(ctx context.Context, cluster string, node *corev1.Node) (bool, error) {
	found, err := p.weigh(ctx, cluster, node)
	switch {
	case err != nil:
		return false, err
	case found.way == wayAccepted:
		return false, errors.New(found.why)
	}
	return found.proven, nil
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
