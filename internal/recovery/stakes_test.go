package recovery

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/protection"
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
		view, left := policies.ViewFacts{Zones: map[string]policies.Zone{}}, leaves(plan)
		for _, n := range nodes {
			countNode(&view, n)
			left.count(n)
		}
		if diff := cmp.Diff(c.want, left.sum(view.Zones)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestWhatWasPromisedIsWhatFaultAndPlanTouch(t *testing.T) {
	e := &Engine{Options: Options{Promises: protection.Promises{
		{Name: "shop", Level: 2, RPO: time.Minute, Namespaces: []string{"shop-*"}}, {Name: "bank", Level: 4, RTO: time.Hour, Namespaces: []string{"bank"}},
		{Name: "wiki", Level: 3, Namespaces: []string{"wiki"}}}}}
	q := policies.Question{Fault: policies.FaultFacts{Namespaces: []string{"shop-b"}},
		Plan: policies.Proposal{Targets: []policies.Target{{Kind: "Node", Name: "a1"}, {Kind: "Pod", Namespace: "shop-a", Name: "x"}, {Kind: "Pod", Namespace: "bank", Name: "y"}}}}
	want := policies.ProtectionFacts{Level: 4, Apps: []policies.AppFacts{
		{Name: "shop", Level: 2, RPOS: 60, Namespaces: []string{"shop-a", "shop-b"}}, {Name: "bank", Level: 4, RTOS: 3600, Namespaces: []string{"bank"}}}}
	if diff := cmp.Diff(want, e.promised(q)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(policies.ProtectionFacts{Apps: []policies.AppFacts{}}, e.promised(policies.Question{})); diff != "" {
		t.Errorf("nothing is touched: %s", diff)
	}
}
