package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/policies"
)

// incidents makes up what Salvor asks policy about the incidents of a fleet: from a seed, of all kinds, several at a time.
type incidents struct {
	dice *rand.Rand
	now  time.Time
	n    int
	open []*story
}

// story is what is still to be asked about one incident.
type story struct {
	at   time.Time
	asks []policies.Question
}

// atOnce is how many incidents go on at a time.
const atOnce = 8

func newIncidents(seed uint64) *incidents {
	return &incidents{dice: rand.New(rand.NewPCG(seed, 0)), now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}
}

// next is the next question, by time.
func (in *incidents) next() policies.Question {
	for len(in.open) < atOnce {
		in.open = append(in.open, in.begin())
	}
	first := in.open[in.dice.IntN(atOnce)]
	q := first.asks[0]
	if first.asks = first.asks[1:]; len(first.asks) == 0 {
		in.open = slices.DeleteFunc(in.open, func(s *story) bool { return s == first })
	}
	return q
}

// kindOf draws a kind of fault: most faults are about nodes.
func (in *incidents) kindOf() string {
	switch n := in.dice.IntN(100); {
	case n < 70:
		return "node"
	case n < 80:
		return "config"
	case n < 88:
		return "data"
	case n < 94:
		return "security"
	case n < 99:
		return "zone"
	}
	return "region"
}

// begin tells one incident: its plan is decided upon, then each step once more right before it, and then the same of what is taken back.
func (in *incidents) begin() *story {
	in.n++
	in.now = in.now.Add(time.Duration(20+in.dice.IntN(600)) * time.Second)
	s := &story{at: in.now}
	q := in.question(in.kindOf())
	in.ask(s, q, policies.AboutDecision)
	q.History.Attempts++
	for range q.Plan.Steps {
		in.ask(s, q, policies.AboutGate)
	}
	if q.Fault.Kind == "node" {
		q.Plan.Phase, q.Plan.Class, q.Fault.Agree = "undo", policies.Reversible, 0
		q.Plan.Steps = []policies.ProposedStep{{Name: "restore", Responder: "node.restore", Class: policies.Reversible, Targets: q.Plan.Targets[:1],
			Will: []string{q.Fault.Nodes[0] + " takes pods again"}, Command: "kubectl uncordon " + q.Fault.Nodes[0]}}
		q.Plan.Targets = q.Plan.Targets[:1]
		in.ask(s, q, policies.AboutDecision)
		in.ask(s, q, policies.AboutGate)
	}
	return s
}

// ask adds a question some seconds after the last.
func (in *incidents) ask(s *story, q policies.Question, about policies.About) {
	s.at = s.at.Add(time.Duration(1000+in.dice.IntN(30_000)) * time.Millisecond)
	q.About, q.Now = about, s.at
	q.Fault.AgeS, q.View.AgeS = s.at.Sub(q.Incident.OpenedAt).Seconds()+25, in.dice.Float64()
	q.View.Observers = slices.Clone(q.View.Observers)
	for i := range q.View.Observers {
		q.View.Observers[i].AgeS = 5 * in.dice.Float64()
	}
	s.asks = append(s.asks, q)
}

func (in *incidents) name(of string) string { return fmt.Sprintf("%s-%08x", of, in.dice.Uint32()) }

func (in *incidents) question(kind string) policies.Question {
	cluster := in.dice.IntN(12)
	zone := fmt.Sprintf("eu-west-1%c", 'a'+in.dice.IntN(3))
	before := in.dice.IntN(8) / 6
	q := policies.Question{
		Schema:   policies.InputVersion,
		Cluster:  policies.ClusterFacts{Name: fmt.Sprintf("cluster-%02d", cluster), Environment: []string{"production", "staging", "development"}[cluster%3], Region: "eu-west-1"},
		Incident: policies.IncidentFacts{ID: in.name("inc"), OpenedAt: in.now, Count: 1},
		History:  policies.History{Attempts: before, Before: before, Tried: []string{}, Incidents24h: 1 + in.dice.IntN(9)/7},
		Limits:   policies.Limits{NodesPerZone: 1, FleetShare: 0.1, StormNodes: 3, StormShare: 0.2, Attempts: 3},
		InFlight: policies.InFlight{Zones: map[string]int{}, Targets: []string{}}, Mode: policies.ModeAct, Pauses: []policies.Pause{}, Unknown: []string{},
		Person: policies.Person{Groups: []string{}},
	}
	q.Fault = in.fault(kind, zone)
	q.Protection = in.protection()
	q.Plan = in.plan(q)
	q.View = in.view(zone)
	return q
}

func (in *incidents) fault(kind, zone string) policies.FaultFacts {
	node := in.name("worker")
	f := policies.FaultFacts{Kind: kind, Nodes: []string{}, Zones: []string{}, Regions: []string{}, Namespaces: []string{}, Agree: 2, Asked: 3}
	switch kind {
	case "node":
		f.Anchor, f.Nodes, f.Zones = "node/"+node, []string{node}, []string{zone}
		f.Signals = map[string]policies.SignalFacts{"lease": {Asked: true, Agrees: in.dice.IntN(10) > 0}, "ready condition": {Asked: true, Agrees: true}, "alert": {Asked: true}}
	case "zone", "region":
		f.Anchor, f.Zones, f.Single = kind+"/"+zone, []string{zone}, in.dice.IntN(4) == 0
		f.Signals = map[string]policies.SignalFacts{"nodes": {Asked: true, Agrees: true}, "witness": {Asked: true, Agrees: true}}
	default:
		namespace := in.name("shop")
		f.Anchor, f.Namespaces = kind+"/"+namespace, []string{namespace}
		f.Signals = map[string]policies.SignalFacts{"alert": {Asked: true, Agrees: true}}
	}
	f.Sentence = f.Anchor + " is broken (2 of 3 signals agree)"
	return f
}

func (in *incidents) protection() policies.ProtectionFacts {
	if in.dice.IntN(3) > 0 {
		return policies.ProtectionFacts{Apps: []policies.AppFacts{}}
	}
	level := 1 + in.dice.IntN(4)
	return policies.ProtectionFacts{Level: level, Apps: []policies.AppFacts{{Name: in.name("app"), Level: level, RPOS: 300, RTOS: 1800, Namespaces: []string{"shop"}}}}
}

// plan displaces the pods of a node as its runbook does, or is one that a person wrote.
func (in *incidents) plan(q policies.Question) policies.Proposal {
	p := policies.Proposal{Runbook: q.Fault.Kind + "-failure", Phase: "recover", Digest: strings.Repeat(fmt.Sprintf("%08x", in.dice.Uint32()), 8), Class: policies.Disruptive, DurationS: 95, Warnings: []string{},
		After: policies.After{Nodes: 29, HealthyZones: 3, ControlPlanes: 3}}
	if q.Fault.Kind != "node" {
		target := policies.Target{Kind: "Deployment", Namespace: "shop", Name: in.name("web"), UID: in.name("uid")}
		p.Class, p.Targets = policies.Class(in.dice.IntN(4)), []policies.Target{target}
		p.Steps = []policies.ProposedStep{{Name: "roll back", Responder: "workload.rollback", Class: p.Class, Targets: p.Targets, Will: []string{target.Name + " runs its last revision again"}, Command: "kubectl rollout undo deployment/" + target.Name}}
		if q.Fault.Kind == "data" {
			p.DataLoss = fmt.Sprintf("all writes of the last %d min", 1+in.dice.IntN(90))
		}
		return p
	}
	node := policies.Target{Kind: "Node", Name: q.Fault.Nodes[0], UID: in.name("uid"), Zone: q.Fault.Zones[0]}
	p.Targets = []policies.Target{node}
	step := func(name, responder string, class policies.Class, targets ...policies.Target) {
		s := policies.ProposedStep{Name: name, Responder: responder, Class: class, Targets: targets, Will: []string{}, Command: "kubectl ... " + node.Name}
		for _, t := range targets {
			s.Will = append(s.Will, t.String()+" is moved away")
		}
		p.Steps = append(p.Steps, s)
	}
	for range 3 + in.dice.IntN(10) {
		p.Targets = append(p.Targets, policies.Target{Kind: "Pod", Namespace: "shop", Name: in.name("web"), UID: in.name("uid")})
	}
	step("cordon", "node.cordon", policies.Reversible, node)
	step("displace", "workload.displace", policies.Disruptive, p.Targets[1:]...)
	if in.dice.IntN(2) == 0 {
		proof := policies.Class(2 + in.dice.IntN(2))
		step("fence", "node.fence", proof, node)
		step("release", "node.release", proof, node)
		p.Class = proof
	}
	return p
}

func (in *incidents) view(zone string) policies.ViewFacts {
	v := policies.ViewFacts{Nodes: 30, Broken: 1, LostTogether: 1, LostOf: 30, ControlPlanes: 3, ControlNodes: []string{"control-1", "control-2", "control-3"},
		Zones: map[string]policies.Zone{}, AtWork: []policies.AtWork{}, Repairers: []string{}, Blind: []string{}}
	for _, name := range []string{"eu-west-1a", "eu-west-1b", "eu-west-1c"} {
		v.Zones[name] = policies.Zone{Nodes: 10}
	}
	v.Zones[zone] = policies.Zone{Nodes: 10, Broken: 1}
	for _, watch := range []string{"nodes", "leases", "pods"} {
		for replica := range 2 {
			v.Observers = append(v.Observers, policies.ObserverFacts{Name: fmt.Sprintf("%s of salvor-%d", watch, replica), Seeing: true})
		}
	}
	return v
}
