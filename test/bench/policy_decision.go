package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	opa "github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"go.yaml.in/yaml/v3"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/policies/bundle"
)

const (
	decisionRounds = 20
	decisionEach   = 100
)

// measureDecision decides questions of which none comes twice, and has OPA alone evaluate their JSON in turn with that.
func measureDecision(ctx context.Context, _ *bench) ([]row, error) {
	rules, err := compile(ctx, nil)
	if err != nil {
		return nil, err
	}
	alone, err := prepareOPA(ctx)
	if err != nil {
		return nil, err
	}
	d := duel{judge: policies.Judge{Engine: rules}, opa: alone, in: newIncidents(2)}
	var parsed, naive []round
	for n := range decisionRounds + 1 {
		ours, fast, slow, err := d.round(ctx)
		if err != nil {
			return nil, err
		}
		if n > 0 { // the first only warms up
			parsed, naive = append(parsed, round{ours, fast}), append(naive, round{ours, slow})
		}
	}
	which := fmt.Sprintf("p50 of Judge.Decide upon a new question with the shipped rules (%.0f us: converted, evaluated, decoded, settled), ", median(pooled(parsed, ours)))
	return []row{
		newRow("decision_ratio", "ratio", atMost(1.1), ratio(parsed), which+fmt.Sprintf("by that of OPA's prepared query for all %d sets of the same rules and settings: the question's JSON parsed by ast.ValueFromReader, "+
			"and evaluated (%.0f us); both said the same; of each fault, plan, application and environment it is the first question", d.opa.sets, median(pooled(parsed, peer)))),
		newRow("decision_naive_ratio", "ratio", atMost(0.6), ratio(naive), which+fmt.Sprintf("by that of the same query with the JSON parsed into map[string]any (%.0f us)", median(pooled(naive, peer)))),
	}, nil
}

// duel is one side against the other.
type duel struct {
	judge policies.Judge
	opa   preparedOPA
	in    *incidents
}

// round times each side of some questions, in microseconds.
func (d *duel) round(ctx context.Context) (ours, parsed, naive []float64, err error) {
	for range decisionEach {
		q := d.fresh()
		text, err := json.Marshal(q)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("write a question: %w", err)
		}
		began := time.Now()
		decision, err := d.judge.Decide(ctx, q)
		ours = append(ours, inMicros(time.Since(began)))
		if err != nil {
			return nil, nil, nil, err
		}
		for _, side := range []struct {
			eval func(context.Context, []byte) (opa.ResultSet, error)
			took *[]float64
		}{{d.opa.parsed, &parsed}, {d.opa.naive, &naive}} {
			began := time.Now()
			results, err := side.eval(ctx, text)
			*side.took = append(*side.took, inMicros(time.Since(began)))
			if err != nil {
				return nil, nil, nil, fmt.Errorf("evaluate with OPA alone: %w", err)
			}
			if err := sameSaid(decision, results); err != nil {
				return nil, nil, nil, err
			}
		}
	}
	return ours, parsed, naive, nil
}

// fresh is a question about a fault, an application, a plan and an environment that were never asked about before.
func (d *duel) fresh() policies.Question {
	q := d.in.question(d.in.kindOf())
	q.About, q.Now = policies.AboutDecision, d.in.now.Add(time.Duration(d.in.dice.Int64N(int64(1000*time.Hour))))
	q.Cluster.Environment = d.in.name("environment") // so that not even the settings for it are known
	q.Protection.Level = 1 + d.in.dice.IntN(4)
	q.Protection.Apps = []policies.AppFacts{{Name: d.in.name("app"), Level: q.Protection.Level, Namespaces: []string{}}}
	return q
}

// sameSaid wants OPA to have said the sentences that the decision gives as those of rules.
func sameSaid(decision policies.Decision, results opa.ResultSet) error {
	if len(results) != 1 {
		return fmt.Errorf("OPA gives %d results, want one", len(results))
	}
	said, err := json.Marshal(results[0].Bindings)
	if err != nil {
		return fmt.Errorf("write what OPA says: %w", err)
	}
	for _, why := range decision.Reasons {
		text, err := json.Marshal(why.Text)
		if err != nil {
			return fmt.Errorf("write a reason: %w", err)
		}
		if strings.Contains(why.Rule, ".rego:") && !bytes.Contains(said, text) {
			return fmt.Errorf("OPA does not say %q, which is the answer: it says %s", why.Text, said)
		}
	}
	return nil
}

// preparedOPA is OPA as its embedders use it: a query that is prepared once.
type preparedOPA struct {
	query opa.PreparedEvalQuery
	sets  int
}

// prepareOPA prepares one query for all sets of the shipped rules, with the settings as data.
func prepareOPA(ctx context.Context) (preparedOPA, error) {
	names, err := fs.Glob(bundle.Files(), "*.rego")
	if err != nil {
		return preparedOPA{}, fmt.Errorf("find the shipped rules: %w", err)
	}
	settings, err := settingsData()
	if err != nil {
		return preparedOPA{}, err
	}
	options := []func(*opa.Rego){opa.StrictBuiltinErrors(true), opa.Store(inmem.NewFromObject(settings))}
	var sets []string
	for _, name := range names {
		text, err := fs.ReadFile(bundle.Files(), name)
		if err != nil {
			return preparedOPA{}, fmt.Errorf("read the shipped rules: %w", err)
		}
		module, err := ast.ParseModule(name, string(text))
		if err != nil {
			return preparedOPA{}, fmt.Errorf("parse the shipped rules: %w", err)
		}
		options = append(options, opa.ParsedModule(module))
		sets = append(sets, setsOf(module)...)
	}
	var query strings.Builder
	for i, set := range sets {
		fmt.Fprintf(&query, "set%d = %s\n", i, set)
	}
	prepared, err := opa.New(append(options, opa.Query(query.String()))...).PrepareForEval(ctx)
	if err != nil {
		return preparedOPA{}, fmt.Errorf("prepare OPA: %w", err)
	}
	return preparedOPA{prepared, len(sets)}, nil
}

// setsOf are the sets of words that a module says.
func setsOf(module *ast.Module) []string {
	var sets []string
	for _, rule := range module.Rules {
		word := string(rule.Head.Name)
		set := module.Package.Path.String() + "." + word
		if slices.Contains([]string{"deny", "ask", "act"}, word) && !slices.Contains(sets, set) {
			sets = append(sets, set)
		}
	}
	return sets
}

// settingsData are the shipped settings as OPA's own tools read them.
func settingsData() (map[string]any, error) {
	text, err := fs.ReadFile(bundle.Files(), "data.yaml")
	if err != nil {
		return nil, fmt.Errorf("read the shipped settings: %w", err)
	}
	var data map[string]any
	if err := yaml.Unmarshal(text, &data); err != nil {
		return nil, fmt.Errorf("parse the shipped settings: %w", err)
	}
	return data, nil
}

// parsed evaluates JSON that is read into OPA's own values.
func (o preparedOPA) parsed(ctx context.Context, text []byte) (opa.ResultSet, error) {
	input, err := ast.ValueFromReader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	return o.query.Eval(ctx, opa.EvalParsedInput(input))
}

// naive evaluates JSON that is read into maps.
func (o preparedOPA) naive(ctx context.Context, text []byte) (opa.ResultSet, error) {
	var input map[string]any
	if err := json.Unmarshal(text, &input); err != nil {
		return nil, err
	}
	return o.query.Eval(ctx, opa.EvalInput(input))
}
