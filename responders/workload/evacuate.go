package workload

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Evacuate evicts the pods of a zone that answers, so that their controllers put others elsewhere: those of higher priority first, a few at a
// time, as far as disruption budgets allow, which are asked again until the step's time is over.
//
// Only workloads that find a place elsewhere with all their pods are evicted. What cannot run elsewhere, or finds no room, is better
// off where it is. Nor is what nobody would replace, or what would lose its work: pods without a controller, and Jobs. A node of the
// zone that does not answer evicts nothing: of such a node only the stateless pods are taken, by deleting them gracefully.
type Evacuate struct{ clusters Clusters }

// NewEvacuate makes the responder workload.evacuate.
func NewEvacuate(clusters Clusters) *Evacuate { return &Evacuate{clusters} }

// atATime is how many pods are on their way out at a time if the runbook does not say.
const atATime = 20

// evacuating is what the plan pinned: the nodes, those of them that do not answer, and the controllers whose pods leave, in their order.
type evacuating struct {
	Nodes   []string    `json:"nodes"`
	Silent  []string    `json:"silent"`
	Owners  []types.UID `json:"owners"`
	Pods    int         `json:"pods"` // that had to leave when the plan was made
	AtATime int         `json:"at_a_time"`
}

// Spec describes workload.evacuate.
func (e *Evacuate) Spec() responders.Spec {
	return responders.Spec{
		Name:  "workload.evacuate",
		About: "evicts the pods of a zone that answers for which there is a place elsewhere, as disruption budgets allow",
		Class: policies.Disruptive,
		Params: []responders.Param{
			{Name: zoneParam, Type: responders.ParamZone, Required: true, About: "name of the zone"},
			{Name: "atATime", Type: responders.ParamNumber, About: "how many pods are on their way out at a time; 20 if not given"},
		},
		Grants: []responders.Grant{
			{Resource: "nodes", Verbs: []string{"list"}},
			{Resource: "pods", Verbs: []string{"list", "delete"}},
			{Resource: "pods/eviction", Verbs: []string{"create"}},
			{Resource: "persistentvolumeclaims", Verbs: []string{"list"}},
			{Resource: "persistentvolumes", Verbs: []string{"list"}},
			{Group: "apps", Resource: "replicasets", Verbs: []string{"get"}},
		},
	}
}

// Preview says which workloads leave.
func (e *Evacuate) Preview(ctx context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	if err := e.Spec().Check(args); err != nil {
		return responders.Change{}, err
	}
	client, err := e.clusters.Reader(env.Cluster)
	if err != nil {
		return responders.Change{}, err
	}
	sorting, err := sortZone(ctx, client, env, args)
	if err != nil {
		return responders.Change{}, err
	}
	return sorting.leaving(args.Number("atATime", atATime))
}

// leaving is the change that evicts what moves.
func (s *sorting) leaving(most int) (responders.Change, error) {
	change := responders.Change{Responder: "workload.evacuate", Targets: s.targets(s.nodes), Nothing: true}
	facts := evacuating{Nodes: s.nodes, Silent: s.silent(), Owners: []types.UID{}, AtATime: most}
	workloads, scratch := 0, 0
	for _, f := range s.fates {
		here := slices.DeleteFunc(slices.Clone(f.pods), func(pod *corev1.Pod) bool { return pod.Spec.NodeName == "" })
		if !f.moves() || len(here) == 0 {
			continue
		}
		workloads++
		facts.Pods += len(here)
		facts.Owners = append(facts.Owners, f.controllers()...)
		change.Targets = append(change.Targets, f.target)
		for _, pod := range here {
			if hasScratch(*pod) {
				scratch++
			}
		}
	}
	if workloads > maxAwaited {
		return change, fmt.Errorf("evacuate zone %s: %d workloads would leave, more than %d in one step; do it in parts", s.zone, workloads, maxAwaited)
	}
	change.Will = []string{"no pod of zone " + s.zone + " has to be evicted"}
	if facts.Pods > 0 {
		change.Class, change.Nothing = policies.Disruptive, false
		change.DurationS = float64(30 * ((facts.Pods + most - 1) / most))
		change.Command = "kubectl drain --ignore-daemonsets --delete-emptydir-data " + strings.Join(s.nodes, " ")
		change.Will = willEvict(facts, workloads, scratch)
	}
	return change, pin(&change, facts)
}

func willEvict(facts evacuating, workloads, scratch int) []string {
	will := []string{fmt.Sprintf("%s of %s evicted, %d at a time, as disruption budgets allow", count(facts.Pods, "pod"), count(workloads, "workload"), facts.AtATime)}
	if scratch > 0 {
		will = append(will, "the scratch space (emptyDir) of "+count(scratch, "pod")+" is gone with them")
	}
	if len(facts.Silent) > 0 {
		will = append(will, "of nodes that do not answer only stateless pods are taken: "+strings.Join(facts.Silent, ", "))
	}
	return will
}

// controllers are the controllers that the pods of a workload name.
func (f *fate) controllers() []types.UID {
	if len(f.owners) > 0 {
		return f.owners
	}
	return []types.UID{types.UID(f.target.UID)}
}

// Apply asks every pod to go and returns when each of them is gone or on its way out.
func (e *Evacuate) Apply(ctx context.Context, env responders.Env, change responders.Change) error {
	if change.Nothing {
		return nil
	}
	var facts evacuating
	if err := pinned(change, &facts); err != nil {
		return err
	}
	reader, err := e.clusters.Reader(env.Cluster)
	if err != nil {
		return err
	}
	writer, err := e.clusters.Writer(env.Cluster)
	if err != nil {
		return err
	}
	return exodus{facts, reader, writer}.run(ctx)
}

// Verify looks whether any pod of the plan runs on in the zone as before.
func (e *Evacuate) Verify(ctx context.Context, env responders.Env, change responders.Change) (responders.Finding, error) {
	var facts evacuating
	if err := pinned(change, &facts); err != nil {
		return unknown(err)
	}
	client, err := e.clusters.Reader(env.Cluster)
	if err != nil {
		return unknown(err)
	}
	left, _, err := exodus{facts, client, nil}.look(ctx)
	if err != nil {
		return unknown(err)
	}
	var missing []string
	for _, pod := range left {
		missing = append(missing, fmt.Sprintf("pod/%s/%s runs on as before", pod.Namespace, pod.Name))
	}
	return responders.FindingOf(max(facts.Pods, len(missing)), missing), nil
}
