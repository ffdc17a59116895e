package workload

import (
	"context"
	"fmt"

	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// maxAwaited bounds the workloads of one zone that are awaited or evicted together.
const maxAwaited = 1000

// Relocated changes nothing. When the plan is made it sorts the workloads that have pods on nodes of a zone into those that move, those that
// cannot, such as on volumes bound to the zone, and those for which there is no room; the change says so in its facts. It verifies that
// those that move are available without the nodes. What stays is not promised to anybody.
//
// With nodes given the zone is lost: those nodes have to be most of it, and theirs are the workloads. Without, the zone answers, and all
// of its nodes are meant; most of them have to answer.
type Relocated struct{ clusters Clusters }

// NewRelocated makes the responder workload.relocated.
func NewRelocated(clusters Clusters) *Relocated { return &Relocated{clusters} }

// Spec describes workload.relocated.
func (r *Relocated) Spec() responders.Spec {
	return responders.Spec{
		Name:  "workload.relocated",
		About: "says which workloads of the zone move, and verifies that those are available outside of it; writes nothing",
		Class: policies.Observe,
		Params: []responders.Param{
			{Name: zoneParam, Type: responders.ParamZone, Required: true, About: "name of the zone"},
			{Name: "nodes", Type: responders.ParamNames, About: "names of the nodes of it that are lost; all nodes of a zone that answers if not given"},
		},
		Grants: append(awaitGrants(), surveyGrants()...),
	}
}

// surveyGrants are the reads that a survey and the facts of it take, but for those of ReplicaSets.
func surveyGrants() []responders.Grant {
	return []responders.Grant{
		{Resource: "nodes", Verbs: []string{"list"}},
		{Resource: "pods", Verbs: []string{"list"}},
		{Resource: "persistentvolumeclaims", Verbs: []string{"list"}},
		{Resource: "persistentvolumes", Verbs: []string{"list"}},
		{Group: snapshotKind.Group, Resource: snapshotKind.Resource, Verbs: []string{"list"}},
	}
}

// Preview sorts the workloads.
func (r *Relocated) Preview(ctx context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	if err := r.Spec().Check(args); err != nil {
		return responders.Change{}, err
	}
	client, err := r.clusters.Reader(env.Cluster)
	if err != nil {
		return responders.Change{}, err
	}
	sorting, err := sortZone(ctx, client, env, args)
	if err != nil {
		return responders.Change{}, err
	}
	custom, err := r.clusters.Custom(env.Cluster)
	if err != nil {
		return responders.Change{}, err
	}
	change, err := sorting.awaiting()
	change.Facts = sorting.facts(ctx, Snapshots{custom}, env.Now)
	return change, err
}

// sortZone sorts what the arguments speak of.
func sortZone(ctx context.Context, client kubernetes.Interface, env responders.Env, args responders.Args) (*sorting, error) {
	s, err := surveyed(ctx, client, args.Text(zoneParam), env.Lost)
	if err != nil {
		return nil, err
	}
	nodes := args.Names("nodes")
	alive := nodes == nil
	if alive {
		nodes, err = s.insideNames(), s.demandAnswers()
	} else {
		err = s.demandLost(nodes)
	}
	if err != nil {
		return nil, err
	}
	return sorted(ctx, client, s, nodes, alive)
}

// awaiting is the change that awaits what moves.
func (s *sorting) awaiting() (responders.Change, error) {
	change := responders.Change{Responder: "workload.relocated"}
	facts := awaited{Nodes: s.nodes, Workloads: []pinnedWorkload{}}
	for _, f := range s.fates {
		if f.moves() && f.awaited {
			change.Targets = append(change.Targets, f.target)
			facts.Workloads = append(facts.Workloads, pinnedWorkload{Owners: f.owners})
		}
	}
	switch n := len(change.Targets); {
	case n > maxAwaited:
		return change, fmt.Errorf("watch workloads of zone %s: %d of them, more than %d in one check; do it in parts", s.zone, n, maxAwaited)
	case n == 0:
		change.Nothing, change.Targets = true, s.targets(s.nodes)
		change.Will = []string{"no workload that moves can be waited for"}
	default:
		change.Will = []string{count(n, "workload") + " awaited to be available outside zone " + s.zone}
	}
	return change, pin(&change, facts)
}

// Apply does nothing: there is nothing to do but to look.
func (r *Relocated) Apply(context.Context, responders.Env, responders.Change) error { return nil }

// Verify looks whether each workload that moves and still exists is available, and counts no pod on the nodes.
func (r *Relocated) Verify(ctx context.Context, env responders.Env, change responders.Change) (responders.Finding, error) {
	return verifyAwaited(ctx, r.clusters, env, change)
}
