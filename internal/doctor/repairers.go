package doctor

import (
	"context"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/repairers"
)

// repairers looks for others who repair the same nodes. Beside one that is sure to, the mode act is refused.
func (s *site) repairers(ctx context.Context) {
	const check = "second repairers"
	if !s.seen {
		s.warn(check, "let the observe role list nodes, as said above", "cannot tell: the nodes are not seen")
		return
	}
	found, _ := repairers.Look(ctx, s.observe, s.nodes) // what failed is among them, as not seen
	for _, r := range found {
		s.repairer(check, r)
	}
	if len(found) == 0 {
		s.ok(check, "none found: no NodeHealthCheck, MachineHealthCheck, Karpenter node repair, draino, node-problem-detector, "+
			"or nodes of EKS, GKE or AKS among %s; mode of kind node is %s", count(len(s.nodes), "node"), s.cluster.Mode(classifiers.KindNode))
	}
}

func (s *site) repairer(check string, r repairers.Repairer) {
	switch {
	case r.Certainty == repairers.Sure && s.mayAct():
		s.problem(check, r.Do+"; or set modes.node of "+s.cluster.Name+" to ask", "the mode act is refused: %s", r.What)
	case r.Certainty == repairers.Sure:
		s.warn(check, "do not raise modes.node to act before this is settled: "+r.Do, "%s", r.What)
	case r.Certainty == repairers.Idle:
		s.warn(check, r.Do, "%s", r.What)
	case s.cluster.SoleRepairer:
		s.ok(check, "taken not to repair nodes, as sole_repairer of %s states: %s", s.cluster.Name, r.What)
	case s.mayAct():
		s.warn(check, r.Do+"; then state it with sole_repairer: true of "+s.cluster.Name, "cannot tell: %s; while this is not known, the mode act asks", r.What)
	default:
		s.warn(check, r.Do, "cannot tell: %s", r.What)
	}
}
