package rollout

import (
	"slices"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/policies"
)

// levels are the DR levels that applications may have been promised, 0 being none.
const levels = 4

// fleet is what questions may name of the fleet: its environments and clusters, and the responders that there are.
type fleet struct{ environments, clusters, responders []string }

// reference are questions about every kind of fault, class of plan, phase, DR level and environment, on a calm day: all is known, and
// nobody and nothing else is at work; and about each of the first four on other occasions. A candidate that acts where the policy in
// force asks shows by them, though nothing was ever decided.
func reference(of fleet) []policies.Question {
	environments := slices.Compact(slices.Sorted(slices.Values(append([]string{"", "production"}, of.environments...))))
	var all []policies.Question
	for _, kind := range classifiers.Kinds() {
		for class := policies.Observe; class <= policies.Irreversible; class++ {
			for _, phase := range []string{"recover", "undo"} {
				plain := calm(string(kind), class, phase)
				for _, environment := range environments {
					for level := range levels + 1 {
						q := plain
						q.Cluster.Environment, q.Protection = environment, promised(level)
						all = append(all, q)
					}
					q := plain
					q.Cluster.Environment = environment
					all = append(all, occasions(q, of)...)
				}
			}
		}
	}
	return all
}

// occasions are a question on other days, about other things.
func occasions(plain policies.Question, of fleet) []policies.Question {
	var all []policies.Question
	add := func(name string, change func(q *policies.Question)) {
		q := plain
		q.Plan.Digest = name // what it is told as
		change(&q)
		all = append(all, q)
	}
	add("on a Sunday night", func(q *policies.Question) { q.Now = calmNoon.Add(4*24*time.Hour - 9*time.Hour) }) // the night to Sunday
	add("with many nodes broken", func(q *policies.Question) { q.View.Broken, q.View.LostTogether = 9, 9 })
	add("with one source", func(q *policies.Question) { q.Fault.Single, q.Fault.Agree = true, 1 })
	add("while the kubelet renews its Lease", func(q *policies.Question) {
		q.Fault.Signals = map[string]policies.SignalFacts{"lease": {Asked: true}, "ready condition": {Asked: true, Agrees: true}}
	})
	add("while little is known", func(q *policies.Question) { q.Unknown = policies.Uncertain() })
	add("of a control plane", func(q *policies.Question) { q.View.ControlNodes = []string{"worker-1", "cp-2", "cp-3"} })
	add("beside another repairer", func(q *policies.Question) { q.View.Repairers = []string{"NodeHealthCheck workers"} })
	add("with a loss of data", func(q *policies.Question) { q.Plan.DataLoss = "all writes of the last hour" })
	add("when little is left", func(q *policies.Question) { q.Plan.After = policies.After{Nodes: 2, HealthyZones: 1, ControlPlanes: 1} })
	add("after many attempts", func(q *policies.Question) {
		q.History = policies.History{Attempts: 2, Before: 2, Failed: 2, Incidents24h: 5, Tried: []string{"reference", "reference"}}
	})
	add("in the midst of a plan", func(q *policies.Question) { q.About = policies.AboutGate })
	for _, name := range of.clusters {
		add("in cluster "+name, func(q *policies.Question) { q.Cluster.Name = name })
	}
	for _, name := range of.responders {
		add("by "+name, func(q *policies.Question) {
			step := q.Plan.Steps[0]
			step.Responder = name
			q.Plan.Steps = []policies.ProposedStep{step}
		})
	}
	return all
}

// calmDay is what a question on a calm day is told as.
const calmDay = "reference"

var calmNoon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) // a Wednesday

// calm is a question about a plan for one node of twenty.
func calm(kind string, class policies.Class, phase string) policies.Question {
	target := policies.Target{Kind: "Node", Name: "worker-1", UID: "worker-1", Zone: "a"}
	anchors := map[string]string{"node": "node/worker-1", "zone": "zone/a", "region": "region/r", "data": "namespace/shop", "config": "deployment/shop/web", "security": "pod/shop/web"}
	return policies.Question{
		Schema: policies.InputVersion, About: policies.AboutDecision, Now: calmNoon, Mode: policies.ModeAct,
		Cluster:  policies.ClusterFacts{Name: "reference", Region: "r"},
		Incident: policies.IncidentFacts{OpenedAt: calmNoon.Add(-time.Minute), Count: 1},
		Fault: policies.FaultFacts{Kind: kind, Anchor: anchors[kind], Sentence: anchors[kind] + " is broken", Nodes: []string{"worker-1"}, Zones: []string{"a"},
			Regions: []string{"r"}, Namespaces: []string{"shop"}, Agree: 2, Asked: 2, AgeS: 60, Signals: map[string]policies.SignalFacts{
				"lease": {Asked: true, Agrees: true}, "ready condition": {Asked: true, Agrees: true}}},
		Plan: policies.Proposal{Runbook: "reference", Phase: phase, Digest: calmDay, Class: class, Targets: []policies.Target{target}, Warnings: []string{}, DurationS: 60,
			Steps: []policies.ProposedStep{{Name: "reference", Responder: "reference", Class: class, Targets: []policies.Target{target}, Will: []string{}}},
			After: policies.After{Nodes: 19, HealthyZones: 3, ControlPlanes: 3}},
		View: policies.ViewFacts{Nodes: 20, Broken: 1, LostTogether: 1, LostOf: 20, ControlPlanes: 3, ControlNodes: []string{"cp-1", "cp-2", "cp-3"},
			Zones:  map[string]policies.Zone{"a": {Nodes: 7, Broken: 1}, "b": {Nodes: 7}, "c": {Nodes: 6}},
			AtWork: []policies.AtWork{}, Observers: []policies.ObserverFacts{}, Repairers: []string{}},
		History:  policies.History{Incidents24h: 1, Tried: []string{}},
		Limits:   policies.Limits{NodesPerZone: 1, FleetShare: 0.1, StormNodes: 3, StormShare: 0.2, Attempts: 3},
		InFlight: policies.InFlight{Zones: map[string]int{}, Targets: []string{}},
		Pauses:   []policies.Pause{}, Person: policies.Person{Groups: []string{}}, Unknown: []string{},
	}
}

func promised(level int) policies.ProtectionFacts {
	p := policies.ProtectionFacts{Level: level, Apps: []policies.AppFacts{}}
	if level > 0 {
		p.Apps = append(p.Apps, policies.AppFacts{Name: "shop", Level: level, RPOS: 900, RTOS: 3600, Namespaces: []string{"shop"}})
	}
	return p
}
