package house

import (
	"fmt"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Zone is a zone of which all nodes are silent.
func Zone() classifiers.Fault {
	return classifiers.Fault{Kind: classifiers.KindZone, Cluster: "prod-eu", Anchor: classifiers.Anchor{Kind: "zone", Name: "eu-west-1b"},
		Signals:  []classifiers.Signal{{Name: "leases", Asked: true, Agrees: true}, {Name: "witness", Asked: true, Agrees: true}},
		Sentence: "7 of 7 nodes of eu-west-1b are silent since 03:11; other zones 14 of 14 well"}
}

// Node is a node that is silent.
func Node(name string) classifiers.Fault {
	return classifiers.Fault{Kind: classifiers.KindNode, Cluster: "prod-eu", Anchor: classifiers.Anchor{Kind: "node", Name: name, UID: "uid-" + name},
		Signals:  []classifiers.Signal{{Name: "lease", Asked: true, Agrees: true, Detail: "not renewed for 26s"}},
		Sentence: name + " is silent: its Lease was not renewed for 26s"}
}

// Evacuation is a plan for a zone, in a class.
func Evacuation(class policies.Class) *responders.Plan {
	step := func(name, will string, class policies.Class, seconds float64) responders.Step {
		return responders.Step{Name: name, Change: responders.Change{Responder: "zone." + name, Class: class, Will: []string{will}, DurationS: seconds,
			Targets: []policies.Target{{Kind: "Zone", Name: "eu-west-1b"}}}}
	}
	plan := responders.Plan{Runbook: "zone-evacuation", Cluster: "prod-eu", Steps: []responders.Step{
		step("cordon", "cordon 7 nodes", policies.Reversible, 5), step("fence", "fence 7 nodes, each proven to be off", policies.Disruptive, 60),
		step("replace", "replace 212 pods, 20 at a time", class, 480)},
		Checks: []responders.Check{{Name: "serving", SettleS: 300, Change: responders.Change{Will: []string{"38 workloads are available elsewhere and serve for 5 min"}}}}}
	plan.Steps[2].Change.Warnings = []string{"3 workloads on disks of the zone stay down: orders-db, ledger-db, search-0"}
	if class >= policies.Destructive {
		plan.Steps[2].Change.DataLoss = "writes of 2 volumes since 03:10"
	}
	return seal(plan)
}

// Recovery is a plan for a node.
func Recovery(node string) *responders.Plan {
	return seal(responders.Plan{Runbook: "node-failure", Cluster: "prod-eu", Steps: []responders.Step{{Name: "cordon", Change: responders.Change{Responder: "node.cordon",
		Class: policies.Reversible, Will: []string{node + " takes no new pods"}, Targets: []policies.Target{{Kind: "Node", Name: node, UID: "uid-" + node}}}}}})
}

func seal(plan responders.Plan) *responders.Plan {
	sealed, err := plan.Seal()
	if err != nil {
		panic(err) // it is made of plain values
	}
	return &sealed
}

// Ask asks one of those on call about a plan, and where it needs two an owner, too.
func (h *House) Ask(id incident.ID, plan *responders.Plan, votes int, within float64, worse ...string) error {
	needs := []policies.Need{{Groups: []string{"sre-oncall"}, Votes: 1, EscalateTo: []string{"sre-leads"}}}
	if votes > 1 {
		needs = append(needs, policies.Need{Groups: []string{"payments-owners"}, Votes: 1})
	}
	return h.Add(id, incident.Record{Kind: incident.Decided, Text: fmt.Sprintf("plan %s is asked about", plan.ShortDigest()), Decided: &incident.Decision{Phase: incident.PhaseRecover, Plan: plan, Worse: worse,
		Answer: policies.Decision{Verdict: policies.Ask, Would: policies.Ask, Reasons: []policies.Reason{{Text: "a zone is at stake", Rule: "zone.rego:14"}},
			Asks: &policies.Asks{Needs: needs, Votes: votes, WithinS: within, OnTimeout: "escalate", EscalateTo: []string{"sre-leads"}}}}})
}

// Begin has a plan run that needs nobody.
func (h *House) Begin(id incident.ID, plan *responders.Plan) error {
	return h.Add(id, incident.Record{Kind: incident.Decided, Text: "policy lets plan " + plan.ShortDigest() + " run", Decided: &incident.Decision{Phase: incident.PhaseRecover, Plan: plan,
		Answer: policies.Decision{Verdict: policies.Act, Would: policies.Act}}})
}

// Do adds what became of a step of a plan: Intent, Done or Failed.
func (h *House) Do(id incident.ID, kind incident.RecordKind, plan *responders.Plan, n int, detail ...string) error {
	ref := &incident.StepRef{Phase: incident.PhaseRecover, Plan: plan.Digest, Index: n, Name: plan.Steps[n].Name, Deadline: h.clock().Add(60e9)}
	if kind != incident.Intent {
		ref.TookS = 4.2
	}
	return h.Add(id, incident.Record{Kind: kind, Step: ref, Detail: detail, Text: fmt.Sprintf("step %s: %s", plan.Steps[n].Name, kind)})
}
