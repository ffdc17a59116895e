package rego

import (
	"context"

	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/salvor-io/salvor/policies"
)

// Reads are the paths of the facts that the rules in force read, such as plan.class, in the order of the question. A path ends at a
// list or a map: what is in one cannot be named.
func (e *Engine) Reads() []string {
	rules := e.current.Load()
	if rules == nil {
		return nil
	}
	return rules.program.input.paths("")
}

// paths are the paths of the leaves, each below a path of its own.
func (s *shape) paths(below string) []string {
	if s.kind != record {
		return []string{below}
	}
	var all []string
	for _, f := range s.fields {
		name := f.name
		if below != "" {
			name = below + "." + name
		}
		all = append(all, f.shape.paths(name)...)
	}
	return all
}

// AskTraced is Ask for the packages below this one: the tracer sees each step, and nothing is taken from what was answered before.
func (e *Engine) AskTraced(ctx context.Context, q policies.Question, tracer topdown.QueryTracer) (policies.Said, error) {
	return e.ask(ctx, q, tracer)
}
