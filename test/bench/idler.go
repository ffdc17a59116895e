package main

import (
	"context"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// idler is a responder that does nothing to the world and says when it did.
type idler struct{ applied chan<- time.Time }

// Spec implements responders.Responder.
func (idler) Spec() responders.Spec {
	return responders.Spec{Name: "bench.idle", About: "Does nothing.", Class: policies.Reversible}
}

// Preview implements responders.Responder.
func (idler) Preview(context.Context, responders.Env, responders.Args) (responders.Change, error) {
	return idleness(classifiers.Anchor{Kind: "node", Name: "worker-1", UID: "uid-1"}), nil
}

func idleness(node classifiers.Anchor) responders.Change {
	return responders.Change{Responder: "bench.idle", Class: policies.Reversible, Will: []string{"nothing"}, DurationS: 1, Command: "true",
		Targets: []policies.Target{{Kind: "Node", Name: node.Name, UID: node.UID, Zone: "eu-west-1a"}}}
}

// Apply implements responders.Responder.
func (i idler) Apply(ctx context.Context, _ responders.Env, _ responders.Change) error {
	select {
	case i.applied <- time.Now():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Verify implements responders.Responder.
func (idler) Verify(context.Context, responders.Env, responders.Change) (responders.Finding, error) {
	return responders.Finding{Outcome: responders.OutcomeVerified}, nil
}

// onePlan is a planner that has one plan for everything: one step of the idler.
type onePlan struct{}

// Runbooks implements recovery.Planner.
func (onePlan) Runbooks(classifiers.Kind) []string { return []string{"bench"} }

func (onePlan) About(classifiers.Fault) []string { return []string{"bench"} }

// Plan implements recovery.Planner.
func (onePlan) Plan(_ context.Context, runbook string, _ incident.Phase, inc *incident.Incident, env responders.Env) (responders.Plan, error) {
	return responders.Plan{Runbook: runbook, Cluster: env.Cluster, Steps: []responders.Step{
		{Name: "idle", DeadlineS: 30, OnFailure: responders.OnFailureStop, Change: idleness(inc.Fault.Anchor)},
	}}.Seal()
}
