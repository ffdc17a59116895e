package rego

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/salvor-io/salvor/policies"
)

// program is one compiled set of rules. It does not change, but for what it remembers.
type program struct {
	revision string
	taken    bool     // some version took it before: what only this one would refuse is let be
	whole    *shape   // a question
	input    *shape   // what of it the rules read
	paths    []string // of the facts that the rules read
	place    []int    // of those facts among all of a question
	compiler *ast.Compiler
	sets     []*wordSet
	store    storage.Store // empty: rules see settings as rules and facts as input, there is no other data
	helpers  *helper
	metrics  metrics.Metrics // none is taken
	numbered int             // how many rules vary, the sets among them
	memory   memory[policies.Said]
	helped   memory[*ast.Term]
}

// newProgram makes a program of what was compiled and holds the sets. What it has no time for until the context ends, it works out for each
// question.
func newProgram(ctx context.Context, revision string, compiler *ast.Compiler, sets []*wordSet, whole *shape) *program {
	p := &program{revision: revision, whole: whole, input: readOf(compiler, whole), compiler: compiler, sets: sets, store: inmem.New(), metrics: metrics.NoOp()}
	p.paths = p.input.paths("")
	p.place = places(p.paths, whole.paths(""))
	for i, s := range sets {
		s.finish(i, p)
	}
	p.findHelpers(ctx)
	for _, s := range sets {
		for _, rule := range compiler.GetRulesExact(s.path) {
			if demands, never := p.demandsOf(rule); !never {
				s.demands = append(s.demands, demands)
			}
		}
	}
	return p
}

// places are where some of the paths stand among all.
func places(some, all []string) []int {
	var at []int
	for _, path := range some {
		at = append(at, slices.Index(all, path))
	}
	return at
}

// evaluation is a query and what it is evaluated with.
type evaluation struct {
	query        ast.Body
	input        *ast.Term
	now          time.Time
	recollection *recollection // nil when all is to be evaluated
	tracers      []topdown.QueryTracer
}

// run evaluates. Errors of functions count: a rule that could not be evaluated must not look like a rule that had nothing to say. Nor does
// it stop at the first of several ways in which a rule holds: so whether one of them is in error does not depend on who asks first. The price:
// a function that fails counts also where another definition of its rule holds.
func (p *program) run(ctx context.Context, e evaluation) (topdown.QueryResultSet, error) {
	txn, err := p.store.NewTransaction(ctx)
	if err != nil {
		return nil, err
	}
	defer p.store.Abort(ctx, txn)
	stopper := topdown.NewCancel()
	defer context.AfterFunc(ctx, stopper.Cancel)()
	query := topdown.NewQuery(e.query).WithCompiler(p.compiler).WithStore(p.store).WithTransaction(txn).
		WithInput(e.input).WithTime(e.now).WithCancel(stopper).WithStrictBuiltinErrors(true).WithEarlyExit(false).WithMetrics(p.metrics)
	if e.recollection != nil {
		query = query.WithVirtualCache(e.recollection)
	}
	for _, tracer := range e.tracers {
		query = query.WithQueryTracer(tracer)
	}
	results, err := query.Run(ctx)
	if err != nil {
		return nil, evaluationError(ctx, err)
	}
	return results, nil
}

// evaluationError says the deadline's own words where that is why evaluation ended.
func evaluationError(ctx context.Context, err error) error {
	if topdown.IsCancel(err) {
		return context.Cause(ctx)
	}
	var inRule *topdown.Error
	if errors.As(err, &inRule) && inRule.Location != nil {
		return problems{{inRule.Location.File, inRule.Location.Row, inRule.Message}}
	}
	return err
}
