package recovery

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/policies"
)

// TestWhatIsLeftOfACluster: a plan takes its nodes away, and what is lost is not there already; what takes a plan back takes nothing.
func TestWhatIsLeftOfACluster(t *testing.T) {
	lost := time.Unix(1, 0)
	nodes := []*classifiers.NodeView{
		{Node: events.Node{Name: "c1", Zone: "a", ControlPlane: true}},
		{Node: events.Node{Name: "a1", Zone: "a"}, LostAt: lost},
		{Node: events.Node{Name: "b1", Zone: "b"}}, {Node: events.Node{Name: "b2", Zone: "b"}}, {Node: events.Node{Name: "b3", Zone: "b"}},
		{Node: events.Node{Name: "x1"}},
	}
	for _, c := range []struct {
		name, phase string
		targets     []string
		want        policies.After
	}{
		{"nothing is taken", "recover", nil, policies.After{Nodes: 5, HealthyZones: 2, ControlPlanes: 1}},
		{"what is lost is taken", "recover", []string{"a1"}, policies.After{Nodes: 5, HealthyZones: 2, ControlPlanes: 1}},
		{"most of a zone", "recover", []string{"b1", "b2"}, policies.After{Nodes: 3, HealthyZones: 1, ControlPlanes: 1}},
		{"what was left of a zone", "recover", []string{"c1"}, policies.After{Nodes: 4, HealthyZones: 1}},
		{"all", "recover", []string{"c1", "a1", "b1", "b2", "b3", "x1"}, policies.After{}},
		{"taken back", "undo", []string{"b1", "b2"}, policies.After{Nodes: 5, HealthyZones: 2, ControlPlanes: 1}},
	} {
		plan := policies.Proposal{Phase: c.phase, Targets: []policies.Target{{Kind: "Pod", Name: "c1"}}}
		for _, name := range c.targets {
			plan.Targets = append(plan.Targets, policies.Target{Kind: "Node", Name: name})
		}
		view, counted := policies.ViewFacts{Zones: map[string]policies.Zone{}}, censusFor(plan)
		for _, n := range nodes {
			counted.count(n)
		}
		if counted.tell(&view, &plan); view.Nodes != 6 || view.Broken != 1 || view.ControlPlanes != 1 || len(view.ControlNodes) != 1 || view.Zones["a"] != (policies.Zone{Nodes: 2, Broken: 1}) {
			t.Errorf("%s: the cluster is %+v", c.name, view)
		}
		if diff := cmp.Diff(c.want, plan.After); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}
