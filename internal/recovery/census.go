package recovery

import (
	"slices"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/policies"
)

// census counts the nodes of a cluster, and what is left of them while a plan stands.
type census struct {
	taken map[string]bool // names of the nodes that the plan takes away
	zones map[string]*zoneCount
	view  policies.ViewFacts
	after policies.After
}

type zoneCount struct {
	policies.Zone
	left int // well nodes that the plan leaves alone
}

// censusFor begins to count. What takes a plan back takes nothing away.
func censusFor(plan policies.Proposal) *census {
	c := &census{taken: map[string]bool{}, zones: map[string]*zoneCount{}}
	for _, target := range plan.Targets {
		if target.Kind == "Node" && plan.Phase == "recover" {
			c.taken[target.Name] = true
		}
	}
	return c
}

// count takes a node that exists into account. There may be thousands.
func (c *census) count(n *classifiers.NodeView) {
	zone := c.zones[n.Zone]
	if zone == nil {
		zone = &zoneCount{}
		c.zones[n.Zone] = zone
	}
	c.view.Nodes++
	zone.Nodes++
	if n.ControlPlane {
		c.view.ControlNodes = append(c.view.ControlNodes, n.Name)
	}
	if n.Lost() {
		c.view.Broken++
		zone.Broken++
		return
	}
	if n.ControlPlane {
		c.view.ControlPlanes++
	}
	if len(c.taken) > 0 && c.taken[n.Name] {
		return
	}
	c.after.Nodes++
	zone.left++
	if n.ControlPlane {
		c.after.ControlPlanes++
	}
}

// tell adds what was counted to the facts of a question. A zone is healthy while at least half of its nodes are left.
func (c *census) tell(view *policies.ViewFacts, plan *policies.Proposal) {
	view.Nodes, view.Broken, view.ControlPlanes = c.view.Nodes, c.view.Broken, c.view.ControlPlanes
	view.ControlNodes = append(view.ControlNodes, c.view.ControlNodes...)
	slices.Sort(view.ControlNodes)
	for name, zone := range c.zones {
		view.Zones[name] = zone.Zone
		if name != "" && zone.left > 0 && 2*zone.left >= zone.Nodes {
			c.after.HealthyZones++
		}
	}
	plan.After = c.after
}
