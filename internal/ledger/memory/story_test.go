package memory_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/pipeline"
	"github.com/salvor-io/salvor/internal/recovery"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// engineLedger is what the pipeline and the engine need.
type engineLedger interface {
	pipeline.Ledger
	recovery.Ledger
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func first(node string) incident.Record {
	fault := classifiers.Fault{Kind: classifiers.KindNode, Cluster: "prod.eu", Anchor: classifiers.Anchor{Kind: "node", Name: node, UID: "uid-" + node}}
	key := incident.KeyOf(fault)
	return incident.Record{Kind: incident.Opened, At: noon, ViewSeq: 7, Key: &key, Fault: &fault, Text: node + " is silent"}
}

func target(node string) policies.Target {
	return policies.Target{Kind: "Node", Name: node, UID: "uid-" + node, Zone: "a"}
}

// claimOf takes nodes, of which at most two may be worked on at once.
func claimOf(nodes ...string) ledger.Claim {
	var c ledger.Claim
	for _, node := range nodes {
		c.Targets = append(c.Targets, target(node))
		c.Entries = append(c.Entries, ledger.Entry{Cluster: "prod.eu", Zone: "a", Node: node})
	}
	c.Admit = func(others ledger.Budget) error {
		if others.InFlight("prod.eu", nil).Cluster+len(nodes) > 2 {
			return errors.New("two nodes at most")
		}
		return nil
	}
	return c
}

// decided starts a plan whose two steps work on a node.
func decided(phase incident.Phase, verdict policies.Verdict, node string) incident.Record {
	plan := &responders.Plan{Runbook: "node-failure", Cluster: "prod.eu", Digest: "d-" + node}
	for n := range 2 {
		plan.Steps = append(plan.Steps, responders.Step{Name: fmt.Sprint("step-", n), Change: responders.Change{Responder: "node.cordon",
			Class: policies.Reversible, Targets: []policies.Target{target(node)}}})
	}
	answer := policies.Decision{Verdict: verdict}
	if verdict == policies.Ask {
		answer.Asks = &policies.Asks{Needs: []policies.Need{{Groups: []string{}, Votes: 1}}, Votes: 1, OnTimeout: "expire", EscalateTo: []string{}}
	}
	return incident.Record{Kind: incident.Decided, At: noon, Decided: &incident.Decision{Phase: phase, Answer: answer, Plan: plan}}
}

func (r *run) node() string { return fmt.Sprint("w", r.rng.IntN(6)) }

func (r *run) claim() ledger.Claim {
	var nodes []string
	for range 1 + r.rng.IntN(2) {
		nodes = append(nodes, fmt.Sprint("w", r.rng.IntN(12)))
	}
	c := claimOf(nodes...)
	if r.rng.IntN(5) == 0 {
		c.Entries = nil
	}
	return c
}

// record may mostly follow in the state of the incident.
func (r *run) record(inc *incident.Incident) incident.Record {
	rec := r.anyRecord(inc)
	for range 20 {
		if r.rng.IntN(40) == 0 || inc.Admits(rec) == nil {
			break
		}
		rec = r.anyRecord(inc)
	}
	return rec
}

func (r *run) anyRecord(inc *incident.Incident) incident.Record {
	kinds := append(incident.RecordKinds(), incident.Decided, incident.Decided, incident.Decided, incident.Intent, incident.Intent, incident.Intent, incident.Done)
	rec := incident.Record{Kind: kinds[r.rng.IntN(len(kinds))], At: noon.Add(time.Duration(r.rng.IntN(1000)) * time.Second), ViewSeq: r.rng.Uint64N(100),
		Text: fmt.Sprint("text ", r.rng.IntN(100))}
	switch rec.Kind {
	case incident.Decided:
		phase := []incident.Phase{incident.PhaseRecover, incident.PhaseUndo}[r.rng.IntN(2)]
		verdict := []policies.Verdict{policies.Deny, policies.Ask, policies.Act, policies.Act}[r.rng.IntN(4)]
		rec = decided(phase, verdict, r.node())
	case incident.Voted:
		rec.Ballot = &incident.Ballot{Person: []string{"ann", "bob"}[r.rng.IntN(2)], Says: incident.Voices()[r.rng.IntN(3)]}
		if inc.Approval != nil {
			rec.Ballot.Plan = inc.Approval.Plan.Digest
		}
	case incident.Intent, incident.TookOver, incident.Done, incident.Failed:
		rec.Step = &incident.StepRef{Phase: inc.Phase, Index: inc.Next, Name: "step", TookS: 1.5}
		if inc.Plan != nil {
			rec.Step.Plan = inc.Plan.Digest
		}
	case incident.Checked:
		rec.Outcome = []responders.Outcome{responders.OutcomeVerified, responders.OutcomeUnknown, "?"}[r.rng.IntN(3)]
		rec.Detail = []string{"seen"}
	case incident.Recurred, incident.Opened:
		again := first(r.node())
		rec.Fault, rec.Key, rec.WindowS = again.Fault, again.Key, float64(r.rng.IntN(2)*30)
	}
	return rec
}
