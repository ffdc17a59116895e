package rego

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/policies/bundle"
)

// BenchmarkAsk compares an answer to a question with what OPA alone needs: parse the question's JSON and evaluate the
// same rules, prepared. Each has the shipped bundle, and every question is a new one.
func BenchmarkAsk(b *testing.B) {
	for _, pods := range []int{3, 100} {
		q := deadNode(pods)
		b.Run(fmt.Sprintf("salvor/pods=%d", pods), func(b *testing.B) { benchEngine(b, q) })
		b.Run(fmt.Sprintf("opa/pods=%d", pods), func(b *testing.B) { benchOPA(b, q) })
	}
}

func deadNode(pods int) policies.Question {
	q := question()
	q.Fault.Signals = map[string]policies.SignalFacts{"lease": {Asked: true, Agrees: true}}
	q.View.Zones = map[string]policies.Zone{"a": {Nodes: 10, Broken: 1}, "b": {Nodes: 10}, "c": {Nodes: 10}}
	q.Plan.Targets = q.Plan.Targets[:1]
	displace := policies.ProposedStep{Name: "displace", Responder: "workload.displace", Class: policies.Disruptive}
	for i := range pods {
		pod := policies.Target{Kind: "Pod", Namespace: "shop", Name: fmt.Sprintf("web-%d", i), UID: fmt.Sprintf("uid-%d", i)}
		q.Plan.Targets = append(q.Plan.Targets, pod)
		displace.Targets = append(displace.Targets, pod)
	}
	q.Plan.Steps = []policies.ProposedStep{{Name: "cordon", Responder: "node.cordon", Class: policies.Reversible}, displace}
	return q
}

func benchEngine(b *testing.B, q policies.Question) {
	engine, err := New(b.Context(), []Source{{"the shipped bundle", bundle.Files()}}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		q.Fault.Agree++ // nothing is remembered
		said, err := engine.Ask(b.Context(), q)
		if err != nil || len(said.Act) != 1 {
			b.Fatal(said, err)
		}
	}
}

func benchOPA(b *testing.B, q policies.Question) {
	rules, err := fs.ReadFile(bundle.Files(), "node.rego")
	if err != nil {
		b.Fatal(err)
	}
	raw, err := json.Marshal(q)
	if err != nil {
		b.Fatal(err)
	}
	settings := "package salvor.config\ngroups := {\"on_call\": [\"sre-oncall\"], \"leads\": [\"sre-leads\"]}\nask := {\"answer_within\": \"10m\"}"
	prepared, err := rego.New(rego.Query("deny = data.salvor.policies.node.deny; ask = data.salvor.policies.node.ask; act = data.salvor.policies.node.act"),
		rego.Module("node.rego", string(rules)), rego.Module("settings.rego", settings), rego.StrictBuiltinErrors(true)).PrepareForEval(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		input, err := ast.ValueFromReader(bytes.NewReader(raw))
		if err != nil {
			b.Fatal(err)
		}
		results, err := prepared.Eval(b.Context(), rego.EvalParsedInput(input))
		if err != nil || len(results) != 1 || len(results[0].Bindings["act"].([]any)) != 1 {
			b.Fatal(results, err)
		}
	}
}
