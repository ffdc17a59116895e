package node

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Fence makes sure that nodes cannot write any more: it finds proof that they are off, or powers them off and sees them
// off. Where there is no proof to be had its change is destructive and says what people accept; applying that change
// records the consent on the node and nothing else.
type Fence struct {
	clusters Clusters
	proofs   proofs
}

// NewFence makes the responder node.fence. A cluster without an entry in switches has no power switch.
func NewFence(clusters Clusters, switches map[string]Power) *Fence {
	return &Fence{clusters, proofs{clusters, switches}}
}

// fencing is what the plan counts on for one node, in the order of the targets.
type fencing struct {
	Way     way    `json:"way"`
	Proven  bool   `json:"proven,omitempty"`  // it was off when the plan was made
	Renewed string `json:"renewed,omitempty"` // when its Lease was last renewed, where it is not proven off; empty when it has none
}

// Spec describes node.fence.
func (f *Fence) Spec() responders.Spec {
	return responders.Spec{
		Name:   "node.fence",
		About:  "makes sure that the nodes cannot write any more, by powering them off or by other proof",
		Class:  policies.Destructive,
		Params: []responders.Param{nodesParam},
		Grants: append(proofGrants(),
			responders.Grant{Resource: "nodes", Verbs: []string{"get", "list", "patch"}},
			responders.Grant{Resource: "pods", Verbs: []string{"list"}},
		),
	}
}

// Preview chooses for each node how it will be known to be off.
func (f *Fence) Preview(ctx context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	if err := f.Spec().Check(args); err != nil {
		return responders.Change{}, err
	}
	client, err := f.clusters.Reader(env.Cluster)
	if err != nil {
		return responders.Change{}, err
	}
	nodes, err := read(ctx, client, args.Names("nodes"))
	if err != nil {
		return responders.Change{}, err
	}
	change := responders.Change{Responder: "node.fence", Targets: targetsOf(nodes), Nothing: true,
		Command: "switch the machines of " + sentence(args.Names("nodes")) + " off, and see that they are off"}
	var facts []fencing
	for _, node := range nodes {
		fact, err := f.foresee(ctx, client, env, node, &change)
		if err != nil {
			return responders.Change{}, err
		}
		facts = append(facts, fact)
	}
	return change, pin(&change, facts)
}

// foresee adds one node to the change.
func (f *Fence) foresee(ctx context.Context, client kubernetes.Interface, env responders.Env, node *corev1.Node,
	change *responders.Change) (fencing, error) {
	stance, err := f.proofs.weigh(ctx, env.Cluster, node)
	if err != nil {
		return fencing{}, err
	}
	fact := fencing{Way: stance.way, Proven: stance.proven}
	if stance.proven {
		change.Will = append(change.Will, stance.already(node.Name))
		return fact, nil
	}
	if stance.way != wayAccepted || !isAccepted(node, env.Incident) {
		change.Nothing = false
	}
	if fact.Renewed, err = renewal(ctx, client, node.Name); err != nil {
		return fencing{}, err
	}
	if stance.way == wayPower {
		change.Class = max(change.Class, policies.Disruptive)
		change.DurationS += 30
		change.Will = append(change.Will, "power off "+node.Name+" by its power switch, then see it off")
		return fact, spareControlPlane(ctx, client, node)
	}
	return fact, foreseeRisk(ctx, client, node, stance.why, change)
}

// foreseeRisk says what people accept when nothing proves that the node is off.
func foreseeRisk(ctx context.Context, client kubernetes.Interface, node *corev1.Node, why string, change *responders.Change) error {
	pods, err := podsOn(ctx, client, node.Name)
	if err != nil {
		return err
	}
	change.Class = policies.Destructive
	change.DurationS++
	change.Will = append(change.Will, fmt.Sprintf("record that people take %s for dead; nothing proves that it is off: %s", node.Name, why))
	change.Warnings = append(change.Warnings, riskOf(node.Name, claimsOf(pods)))
	return nil
}

func riskOf(node string, volumes int) string {
	if volumes == 0 {
		return fmt.Sprintf("if %s still runs, its pods run twice", node)
	}
	return fmt.Sprintf("if %s still runs, both copies may write to %s", node, count(volumes, "volume"))
}

// Apply fences each node by the way that was chosen for it, and by no weaker one. A node that cannot be fenced keeps no other from it.
func (f *Fence) Apply(ctx context.Context, env responders.Env, change responders.Change) error {
	if change.Nothing {
		return nil
	}
	facts, err := factsOf[fencing](change)
	if err != nil {
		return err
	}
	client, err := f.clusters.Writer(env.Cluster)
	if err != nil {
		return err
	}
	var done atomic.Int32
	return each(change.Targets, func(i int, target policies.Target) error {
		if err := f.fence(ctx, client, env, target, facts[i]); err != nil {
			return fmt.Errorf("fence: %w", err)
		}
		responders.Progress(ctx, int(done.Add(1)), len(change.Targets), "nodes fenced")
		return nil
	})
}

func (f *Fence) fence(ctx context.Context, client kubernetes.Interface, env responders.Env, target policies.Target,
	fact fencing) error {
	reader, err := f.clusters.Reader(env.Cluster)
	if err != nil {
		return err
	}
	unrenewed := func(ctx context.Context) error { return demandSilence(ctx, reader, target.Name, fact.Renewed) }
	switch {
	case fact.Proven:
		return nil
	case fact.Way == wayAccepted:
		if err := unrenewed(ctx); err != nil {
			return fmt.Errorf("take node %s for dead: %w", target.Name, err)
		}
		return amend(ctx, client, target, marking(env, wayAccepted))
	case fact.Way != wayPower:
		return fmt.Errorf("node %s: the plan knows a way that this version does not: %q", target.Name, fact.Way)
	}
	power, err := f.proofs.of(env.Cluster)
	if err != nil {
		return fmt.Errorf("node %s: %w", target.Name, err)
	}
	if err := powerOff(ctx, client, power, target, unrenewed); err != nil {
		return err
	}
	return amend(ctx, client, target, marking(env, wayPower))
}

// Verify asks for the proof again. Where people accepted the risk it looks for the record of that.
func (f *Fence) Verify(ctx context.Context, env responders.Env, change responders.Change) (responders.Finding, error) {
	facts, err := factsOf[fencing](change)
	if err != nil {
		return unknown(err)
	}
	client, err := f.clusters.Reader(env.Cluster)
	if err != nil {
		return unknown(err)
	}
	var missing []string
	for i, target := range change.Targets {
		so, err := f.isFenced(ctx, client, env, target, facts[i])
		if err != nil {
			return unknown(err)
		}
		if !so {
			missing = append(missing, fmt.Sprintf("%s is not fenced: %s", target.Name, facts[i].Way.absent()))
		}
	}
	return responders.FindingOf(len(change.Targets), missing), nil
}

func (f *Fence) isFenced(ctx context.Context, client kubernetes.Interface, env responders.Env, target policies.Target,
	fact fencing) (bool, error) {
	node, err := lookUp(ctx, client, target)
	switch {
	case errors.Is(err, errGone):
		return false, nil
	case err != nil:
		return false, err
	case fact.Way == wayAccepted:
		return isAccepted(node, env.Incident), nil
	}
	return f.proofs.isProvenOff(ctx, env.Cluster, node)
}
