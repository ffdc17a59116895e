package rego

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/salvor-io/salvor/policies"
)

// program is one compiled set of rules. It does not change, but for what it remembers.
type program struct {
	revision string
	input    *shape // what of a question the rules read
	compiler *ast.Compiler
	query    ast.Body
	queries  ast.QueryCompiler
	asked    []string // the word of each set in the answer of the query, in its order
	store    storage.Store
	memory   memory
}

// answer is the variable of the query that holds the list of sets.
const answer = ast.Var("answer")

// ask evaluates the query once, or not at all when what the rules read was asked before and nobody traces. Errors of functions count: a
// rule that could not be evaluated must not look like a rule that had nothing to say.
func (p *program) ask(ctx context.Context, q policies.Question, tracers ...topdown.QueryTracer) (policies.Said, error) {
	input, err := p.input.term(reflect.ValueOf(q))
	if err != nil {
		return policies.Said{}, fmt.Errorf("convert the question: %w", err)
	}
	if len(tracers) > 0 {
		return p.evaluate(ctx, q, input, tracers...)
	}
	if said, ok := p.memory.recall(input.Value); ok {
		return said, nil
	}
	said, err := p.evaluate(ctx, q, input)
	if err == nil {
		p.memory.keep(input.Value, said)
	}
	return said, err
}

func (p *program) evaluate(ctx context.Context, q policies.Question, input *ast.Term, tracers ...topdown.QueryTracer) (policies.Said, error) {
	txn, err := p.store.NewTransaction(ctx)
	if err != nil {
		return policies.Said{}, err
	}
	defer p.store.Abort(ctx, txn)
	stopper := topdown.NewCancel()
	defer context.AfterFunc(ctx, stopper.Cancel)()
	query := topdown.NewQuery(p.query).WithQueryCompiler(p.queries).WithCompiler(p.compiler).
		WithStore(p.store).WithTransaction(txn).WithInput(input).WithTime(q.Now).
		WithCancel(stopper).WithStrictBuiltinErrors(true)
	for _, tracer := range tracers {
		query = query.WithQueryTracer(tracer)
	}
	results, err := query.Run(ctx)
	if err != nil {
		return policies.Said{}, evaluationError(ctx, err)
	}
	if len(results) != 1 {
		return policies.Said{}, fmt.Errorf("the query has %d answers, not one", len(results))
	}
	return p.said(results[0][answer].Value.(*ast.Array))
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

// said decodes the sets. One malformed member makes all of it an error.
func (p *program) said(sets *ast.Array) (policies.Said, error) {
	said := policies.Said{Deny: []policies.Reason{}, Ask: []policies.AskRule{}, Act: []policies.Reason{}, Revision: p.revision}
	for i, word := range p.asked {
		for _, pair := range sets.Elem(i).Value.(ast.Set).Slice() {
			member := pair.Value.(*ast.Array)
			if err := add(&said, word, member.Elem(0).Value, string(member.Elem(1).Value.(ast.String))); err != nil {
				return policies.Said{}, err
			}
		}
	}
	return said, nil
}

func add(said *policies.Said, word string, member ast.Value, rule string) error {
	if len(said.Deny)+len(said.Ask)+len(said.Act) == maxSaid {
		return fmt.Errorf("%s: the rules say more than %d sentences", rule, maxSaid)
	}
	if word == "ask" {
		ask, err := askOf(member)
		if err != nil {
			return fmt.Errorf("%s: ask: %w", rule, err)
		}
		ask.Reason.Rule = rule
		said.Ask = append(said.Ask, ask)
		return nil
	}
	text, err := sentence(member)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", rule, word, err)
	}
	into := &said.Deny
	if word == "act" {
		into = &said.Act
	}
	*into = append(*into, policies.Reason{Text: text, Rule: rule})
	return nil
}

// newStore is an empty store: rules see settings as rules and facts as input, there is no other data.
func newStore() storage.Store { return inmem.New() }
