package rego

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"go.yaml.in/yaml/v3"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/policies/bundle"
)

// BenchmarkAsk compares an answer to a question with what OPA alone needs: parse the question's JSON and evaluate the
// same rules, prepared, with all sets asked for in one query. Each has the shipped bundle, and every question is a new one.
func BenchmarkAsk(b *testing.B) {
	for _, pods := range []int{3, 100} {
		q := deadNode(pods)
		b.Run(fmt.Sprintf("salvor/pods=%d", pods), func(b *testing.B) { benchEngine(b, q) })
		b.Run(fmt.Sprintf("opa/pods=%d", pods), func(b *testing.B) { benchOPA(b, q) })
	}
}

func deadNode(pods int) policies.Question {
	q := question()
	q.Cluster = policies.ClusterFacts{Name: "prod-eu", Environment: "production"}
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

// renew changes something of all that each set of the shipped rules reads, so that nothing is remembered.
func renew(q *policies.Question) {
	q.Now, q.Fault.Agree = q.Now.Add(time.Second), q.Fault.Agree+1
	name := fmt.Sprintf("worker-%d", q.Fault.Agree)
	q.Fault.Anchor, q.Fault.Nodes = "node/"+name, []string{name}
	q.Plan.Targets = slices.Clone(q.Plan.Targets)
	q.Plan.Targets[0].Name, q.Cluster.Environment = name, name
	q.Protection.Apps = []policies.AppFacts{{Name: name}}
}

func benchEngine(b *testing.B, q policies.Question) {
	engine, err := New(b.Context(), []Source{{"the shipped bundle", bundle.Files()}}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		renew(&q)
		said, err := engine.Ask(b.Context(), q)
		if err != nil || len(said.Act) != 1 {
			b.Fatal(said, err)
		}
	}
}

func benchOPA(b *testing.B, q policies.Question) {
	prepared, err := opaOf(b).PrepareForEval(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	raw, err := json.Marshal(q)
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
		if err != nil || len(results) != 1 || len(results[0].Bindings["act_node"].([]any)) != 1 {
			b.Fatal(results, err)
		}
	}
}

// opaOf has the shipped rules and settings, and one query for all sets.
func opaOf(b *testing.B) *rego.Rego {
	var document struct {
		Salvor struct {
			Config map[string]any
		}
	}
	text, err := fs.ReadFile(bundle.Files(), "data.yaml")
	if err == nil {
		err = yaml.Unmarshal(text, &document)
	}
	if err != nil {
		b.Fatal(err)
	}
	settings, err := settingsModule(document.Salvor.Config)
	if err != nil {
		b.Fatal(err)
	}
	query := ""
	options := []func(*rego.Rego){rego.ParsedModule(settings), rego.StrictBuiltinErrors(true)}
	names, err := fs.Glob(bundle.Files(), "*.rego")
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(bundle.Files(), name)
		if err != nil {
			b.Fatal(err)
		}
		module, err := ast.ParseModule(name, string(text))
		if err != nil {
			b.Fatal(err)
		}
		options = append(options, rego.ParsedModule(module))
		said := map[string]bool{}
		for _, rule := range module.Rules {
			if word := string(rule.Head.Name); isWord(word) && !said[word] {
				said[word] = true
				pkg := string(module.Package.Path[len(module.Package.Path)-1].Value.(ast.String))
				query += fmt.Sprintf("%s_%s = %s.%s; ", word, pkg, module.Package.Path, word)
			}
		}
	}
	return rego.New(append(options, rego.Query(strings.TrimSuffix(query, "; ")))...)
}
