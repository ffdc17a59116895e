package doctor

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/salvor-io/salvor/internal/app"
)

// powerSwitch asks the switch for the state of one node that is well. It never turns anything off.
func (s *site) powerSwitch(ctx context.Context) {
	const check = "power switch"
	if s.cluster.Power == nil {
		s.ok(check, "none is configured: volumes of a silent node are moved only after a person agreed, or the cloud, its Machine or medik8s proves that it is off")
		return
	}
	hook, err := app.PowerSwitch(*s.cluster.Power)
	if err != nil {
		s.problem(check, "correct clusters[].power", "it cannot be used: %v", err)
		return
	}
	node := s.wellNode()
	if node == "" {
		s.warn(check, "run the doctor again when a node is ready", "not asked: no ready node was seen to ask about")
		return
	}
	began := time.Now()
	off, err := hook.IsOff(ctx, node)
	took := round(time.Since(began))
	switch {
	case err != nil:
		s.problem(check, "mend the switch or clusters[].power: without it a silent node needs a person", "asked about %s, it gave no answer that counts in %s: %v", node, took, err)
	case off:
		s.problem(check, "mend the switch before anything is done: its word is taken as proof that no volume is in use",
			"it says that %s is off, but the node is ready (answer in %s)", node, took)
	default:
		s.ok(check, "it says that %s is on (answer in %s; it was not asked to turn anything off)", node, took)
	}
}

// wellNode is a ready node, one that is not of the control plane if there is any.
func (s *site) wellNode() string {
	last := ""
	for i := range s.nodes {
		node := &s.nodes[i]
		if !isReady(node) {
			continue
		}
		if !isControlPlane(node) {
			return node.Name
		}
		last = node.Name
	}
	return last
}

func isControlPlane(node *corev1.Node) bool {
	_, ok := node.Labels["node-role.kubernetes.io/control-plane"]
	return ok
}
