package node

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// outOfService tells Kubernetes that the node is off for good: its pods are deleted by force and their volumes detached.
var outOfService = corev1.Taint{Key: corev1.TaintNodeOutOfService, Value: "nodeshutdown", Effect: corev1.TaintEffectNoExecute}

// Release puts nodes out of service, so that Kubernetes deletes their pods by force and detaches their volumes. It is the
// step that may corrupt data if a node still runs, so Apply asks for proof right before it writes, whatever was done before.
type Release struct {
	clusters Clusters
	proofs   proofs
}

// NewRelease makes the responder node.release. A cluster without an entry in switches has no power switch.
func NewRelease(clusters Clusters, switches map[string]Power) *Release {
	return &Release{clusters, proofs{clusters, switches}}
}

// releasing is what the plan counts on for one node, in the order of the targets.
type releasing struct {
	Way  way    `json:"way"`
	Pods []held `json:"pods"` // those that must be gone

	Spared  bool   `json:"spared,omitempty"`  // it stays in service: nothing on it could run elsewhere
	Renewed string `json:"renewed,omitempty"` // when its Lease was last renewed, where people have to accept the risk; empty when it has none
}

// Spec describes node.release.
func (r *Release) Spec() responders.Spec {
	return responders.Spec{
		Name:   "node.release",
		About:  "puts the nodes out of service after proof that they are off: pods are deleted by force, volumes detached",
		Class:  policies.Destructive,
		Params: []responders.Param{nodesParam, outOfParam},
		Grants: append(proofGrants(),
			responders.Grant{Resource: "nodes", Verbs: []string{"get", "list", "patch"}},
			responders.Grant{Resource: "pods", Verbs: []string{"list"}},
			responders.Grant{Resource: "persistentvolumeclaims", Verbs: []string{"list"}},
			responders.Grant{Resource: "persistentvolumes", Verbs: []string{"list"}},
			responders.Grant{Group: "storage.k8s.io", Resource: "volumeattachments", Verbs: []string{"list"}},
		),
	}
}

// Preview says what the nodes hold and which proof Apply will ask for.
func (r *Release) Preview(ctx context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	if err := r.Spec().Check(args); err != nil {
		return responders.Change{}, err
	}
	client, err := r.clusters.Reader(env.Cluster)
	if err != nil {
		return responders.Change{}, err
	}
	nodes, err := read(ctx, client, args.Names("nodes"))
	if err != nil {
		return responders.Change{}, err
	}
	change := responders.Change{Responder: "node.release", Targets: targetsOf(nodes), Nothing: true, DurationS: 90,
		Command: "kubectl taint node " + strings.Join(args.Names("nodes"), " ") + " " + outOfService.ToString()}
	tied, err := readTies(ctx, client, args.Text(outOfParam.Name))
	if err != nil {
		return responders.Change{}, err
	}
	volumes, err := attached(ctx, client)
	if err != nil {
		return responders.Change{}, err
	}
	var facts []releasing
	for _, node := range nodes {
		fact, err := r.foresee(ctx, client, env, node, tied, volumes[node.Name], &change)
		if err != nil {
			return responders.Change{}, err
		}
		facts = append(facts, fact)
	}
	return change, pin(&change, facts)
}

func (r *Release) foresee(ctx context.Context, client kubernetes.Interface, env responders.Env, node *corev1.Node,
	tied ties, volumes int, change *responders.Change) (releasing, error) {
	stance, err := r.proofs.weigh(ctx, env.Cluster, node)
	if err != nil {
		return releasing{}, err
	}
	pods, err := podsOn(ctx, client, node.Name)
	if err != nil {
		return releasing{}, err
	}
	fact := releasing{Way: stance.way, Pods: heldBy(pods)}
	if taintOf(node, outOfService.Key) != nil && len(fact.Pods)+volumes == 0 {
		change.Will = append(change.Will, node.Name+" is out of service already and holds nothing")
		return fact, nil
	}
	if taintOf(node, outOfService.Key) == nil && tied.holdAll(pods) {
		change.Will = append(change.Will, fmt.Sprintf("%s stays in service, and keeps %s: nothing on it could run outside zone %s", node.Name, count(volumes, "volume"), tied.zone))
		return releasing{Way: stance.way, Pods: []held{}, Spared: true}, nil
	}
	change.Nothing = false
	change.Class = max(change.Class, policies.Disruptive)
	change.Will = append(change.Will, fmt.Sprintf("%s is put out of service: %s deleted by force, %s detached",
		node.Name, count(len(fact.Pods), "pod"), count(volumes, "volume")))
	if stance.way == wayAccepted {
		change.Class = policies.Destructive
		change.Warnings = append(change.Warnings, riskOf(node.Name, claimsOf(pods)))
		fact.Renewed, err = renewal(ctx, client, node.Name)
	}
	return fact, err
}

// Apply taints each node after it found proof that the node is off now. A node without proof keeps no other from it.
func (r *Release) Apply(ctx context.Context, env responders.Env, change responders.Change) error {
	if change.Nothing {
		return nil
	}
	facts, err := factsOf[releasing](change)
	if err != nil {
		return err
	}
	client, err := r.clusters.Writer(env.Cluster)
	if err != nil {
		return err
	}
	return each(change.Targets, func(i int, target policies.Target) error {
		if facts[i].Spared {
			return nil
		}
		err := amend(ctx, client, target, func(node *corev1.Node) (*amendment, error) {
			return r.release(ctx, env, node, change.Class, facts[i])
		})
		if err != nil {
			return fmt.Errorf("release: %w", err)
		}
		return nil
	})
}

func (r *Release) release(ctx context.Context, env responders.Env, node *corev1.Node, class policies.Class, fact releasing) (*amendment, error) {
	if taintOf(node, outOfService.Key) != nil {
		return nil, nil
	}
	if err := r.demandProof(ctx, env, node, class, fact); err != nil {
		return nil, err
	}
	taints := append(slices.Clone(node.Spec.Taints), outOfService)
	var a amendment
	a.annotate(ReleasedAnnotation, env.Incident)
	a.Spec.Taints = &taints
	return &a, nil
}

// demandProof refuses unless the world says that the node is off. The one substitute is the record, for this incident, that
// people accepted the risk, and only in a change that was shown to them as destructive. What they took for dead has to be silent still.
func (r *Release) demandProof(ctx context.Context, env responders.Env, node *corev1.Node, class policies.Class, fact releasing) error {
	if fact.Way == wayAccepted && class >= policies.Destructive && isAccepted(node, env.Incident) {
		return r.demandSilence(ctx, env, node.Name, fact.Renewed)
	}
	off, err := r.proofs.isProvenOff(ctx, env.Cluster, node)
	if err != nil {
		return fmt.Errorf("node %s keeps its volumes, nothing proves that it is off: %w", node.Name, err)
	}
	if !off {
		return fmt.Errorf("node %s keeps its volumes: its power switch says that it is on; fence it first", node.Name)
	}
	return nil
}

func (r *Release) demandSilence(ctx context.Context, env responders.Env, node, renewed string) error {
	reader, err := r.clusters.Reader(env.Cluster)
	if err == nil {
		err = demandSilence(ctx, reader, node, renewed)
	}
	if err != nil {
		return fmt.Errorf("node %s keeps its volumes: %w", node, err)
	}
	return nil
}

// Verify looks for the taint, and that none of the pinned pods and no volume is left on the nodes.
func (r *Release) Verify(ctx context.Context, env responders.Env, change responders.Change) (responders.Finding, error) {
	facts, err := factsOf[releasing](change)
	if err != nil {
		return unknown(err)
	}
	client, err := r.clusters.Reader(env.Cluster)
	if err != nil {
		return unknown(err)
	}
	volumes, err := attached(ctx, client)
	if err != nil {
		return unknown(err)
	}
	var missing []string
	promised := 0
	for i, target := range change.Targets {
		if facts[i].Spared {
			continue
		}
		of, left, err := leftovers(ctx, client, target, facts[i].Pods, volumes[target.Name])
		if err != nil {
			return unknown(err)
		}
		promised += of
		missing = append(missing, left...)
	}
	return responders.FindingOf(promised, missing), nil
}
