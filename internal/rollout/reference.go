package rollout

import (
	"slices"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/policies"
)

// levels are the DR levels that applications may have been promised, 0 being none.
const levels = 4

// reference are questions about every kind of fault, class of plan, phase, DR level and environment, on a calm day: all is known, and
// nobody and nothing else is at work. A candidate that acts where the policy in force asks shows by them, though nothing was ever decided.
func reference(environments []string) []policies.Question {
	environments = slices.Compact(slices.Sorted(slices.Values(append([]string{"", "production"}, environments...))))
	var all []policies.Question
	for _, kind := range classifiers.Kinds() {
		for class := policies.Observe; class <= policies.Irreversible; class++ {
			for _, phase := range []string{"recover", "undo"} {
				for _, environment := range environments {
					for level := range levels + 1 {
						q := calm(string(kind), class, phase)
						q.Cluster.Environment = environment
						q.Protection = promised(level)
						all = append(all, q)
					}
				}
			}
		}
	}
	return all
}

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
		Plan: policies.Proposal{Runbook: "reference", Phase: phase, Digest: "reference", Class: class, Targets: []policies.Target{target}, Warnings: []string{}, DurationS: 60,
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
