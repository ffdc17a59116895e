package bundle_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/policies/bundle"
	"github.com/salvor-io/salvor/policies/rego"
	"github.com/salvor-io/salvor/policies/rego/regotest"
)

// TestRego runs the tests in Rego as authors run theirs. Each line of a rule is reached by one of them, and no answer gets looser when a
// fact is not known.
func TestRego(t *testing.T) {
	report, err := regotest.Run(t.Context(), []rego.Source{{Name: "the shipped bundle", Files: os.DirFS(".")}}, regotest.Options{DropFacts: true})
	if err != nil {
		t.Fatal(err)
	}
	if !report.Well() || report.Ran() == 0 || report.Coverage.Percent < 100 || report.Dropped.Questions == 0 {
		var said strings.Builder
		if err := report.Write(&said, regotest.Pretty, regotest.Show{Coverage: true}); err != nil {
			t.Fatal(err)
		}
		t.Error(said.String())
	}
}

// A file that is not embedded is not shipped, however well it is tested.
func TestEveryRuleIsShipped(t *testing.T) {
	want, err := filepath.Glob("*.rego")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, "data.yaml")
	var rules []string
	for _, name := range want {
		if !strings.HasSuffix(name, "_test.rego") {
			rules = append(rules, name)
		}
	}
	shipped, err := fs.Glob(bundle.Files(), "*")
	if err != nil {
		t.Fatal(err)
	}
	set := func(list []string) map[string]bool {
		all := map[string]bool{}
		for _, name := range list {
			all[name] = true
		}
		return all
	}
	if diff := cmp.Diff(set(rules), set(shipped)); diff != "" {
		t.Error(diff)
	}
}

// The same rules through the engine, with questions as Salvor asks them.
func TestBundleDecides(t *testing.T) {
	engine, err := rego.New(t.Context(), []rego.Source{{Name: "the shipped bundle", Files: bundle.Files()}}, rego.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(*policies.Question)
		want   policies.Verdict
		reason string
	}{
		{"dead worker", func(*policies.Question) {}, policies.Act, "only worker-1 is broken (2 of 2 signals agree), and nothing in this plan may lose data"},
		{"no proof", func(q *policies.Question) {
			q.Plan.Class, q.Plan.Steps[0].Class = policies.Destructive, policies.Destructive
		}, policies.Ask, "nothing proves that worker-1 is powered off: if it still runs, both copies of its workloads may write"},
		{"living kubelet", func(q *policies.Question) { q.Fault.Signals["lease"] = policies.SignalFacts{Asked: true} }, policies.Ask,
			"worker-1 is not ready, but its kubelet still renews its Lease: it may mend itself, and it may still write"},
		{"control plane", func(q *policies.Question) { q.View.ControlNodes = []string{"worker-1"} }, policies.Ask, "worker-1 is a control plane node"},
		{"last control planes", func(q *policies.Question) {
			q.View.ControlNodes, q.View.ControlPlanes = []string{"worker-1"}, 1
		}, policies.Deny, "worker-1 is a control plane node; healthy ones: 1, wanted at least 2"},
		{"zone", func(q *policies.Question) { q.Fault.Kind, q.Cluster.Name = "zone", "prod-eu" }, policies.Ask, "about zone faults of prod-eu a person is asked"},
		{"no plan", func(q *policies.Question) { q.Plan = policies.Proposal{Phase: "recover"} }, policies.Ask, "about node/worker-1 a person is asked"},
		{"undo", func(q *policies.Question) { q.Plan.Phase, q.Fault.Agree = "undo", 0 }, policies.Act, "this only takes back what Salvor did to worker-1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := deadWorker()
			c.change(&q)
			decision := decide(t, engine, q)
			if decision.Verdict != c.want || len(decision.Reasons) == 0 || decision.Reasons[0].Text != c.reason {
				t.Errorf("decided %v: %v", decision.Verdict, decision.Reasons)
			}
		})
	}
}

func decide(t *testing.T, engine policies.Engine, q policies.Question) policies.Decision {
	t.Helper()
	said, err := engine.Ask(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	return policies.Combine(said)
}

func deadWorker() policies.Question {
	worker := policies.Target{Kind: "Node", Name: "worker-1", UID: "u1", Zone: "a"}
	return policies.Question{
		About: policies.AboutDecision,
		Fault: policies.FaultFacts{Kind: "node", Anchor: "node/worker-1", Nodes: []string{"worker-1"}, Agree: 2, Asked: 2,
			Signals: map[string]policies.SignalFacts{"lease": {Asked: true, Agrees: true}}},
		Plan: policies.Proposal{Phase: "recover", Class: policies.Disruptive, Targets: []policies.Target{worker},
			Steps: []policies.ProposedStep{{Name: "fence", Responder: "node.fence", Class: policies.Disruptive, Targets: []policies.Target{worker}}}},
		View: policies.ViewFacts{Nodes: 20, Broken: 1, ControlPlanes: 3},
	}
}
