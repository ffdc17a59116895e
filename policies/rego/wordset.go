package rego

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// wordSet is what the rules of one package say with one word.
type wordSet struct {
	word    string
	path    ast.Ref
	expr    *ast.Expr  // binds the set to its name in a query
	name    ast.Var    // in a query
	reads   []int      // facts that what it says depends on
	demands [][]demand // of each of its rules
}

// demand is something that has to be so for a rule to say anything: a fact is a certain text.
type demand struct {
	fact int
	text []byte // as it is written
}

// finish names a set in queries, and finds what its rules demand.
func (s *wordSet) finish(n int, compiler *ast.Compiler, facts []string) {
	s.name = ast.Var(fmt.Sprintf("set%d", n))
	s.expr = ast.Equality.Expr(ast.NewTerm(s.name), ast.NewTerm(s.path))
	for _, rule := range compiler.GetRulesExact(s.path) {
		s.demands = append(s.demands, demandsOf(rule, facts))
	}
}

// may says whether some rule of the set can say anything. The others are those that OPA does not evaluate either, since its index of
// rules tells what they demand: so no error is missed.
func (s *wordSet) may(w *transcript) bool {
	return slices.ContainsFunc(s.demands, func(rule []demand) bool {
		return !slices.ContainsFunc(rule, func(d demand) bool { return !bytes.Equal(w.fact(d.fact), d.text) })
	})
}

// demandsOf finds the comparisons of a fact with a text that stand by themselves in the body of a rule.
func demandsOf(rule *ast.Rule, facts []string) []demand {
	var all []demand
	for _, expr := range rule.Body {
		if expr.Negated || len(expr.With) > 0 || !expr.IsCall() || len(expr.Operands()) != 2 {
			continue
		}
		if name := expr.Operator().String(); name != ast.Equality.Name && name != ast.Equal.Name {
			continue
		}
		all = append(all, demandOf(expr.Operand(0), expr.Operand(1), facts)...)
		all = append(all, demandOf(expr.Operand(1), expr.Operand(0), facts)...)
	}
	return all
}

func demandOf(fact, text *ast.Term, facts []string) []demand {
	ref, isRef := fact.Value.(ast.Ref)
	want, isText := text.Value.(ast.String)
	if !isRef || !isText || !ref.HasPrefix(ast.InputRootRef) {
		return nil
	}
	n := slices.Index(facts, pathOf(ref[1:]))
	if n < 0 {
		return nil
	}
	return []demand{{n, appendText(nil, string(want))}}
}

// pathOf is a reference below the input as paths of facts are written, "" when a part of it is no text.
func pathOf(ref ast.Ref) string {
	var parts []string
	for _, part := range ref {
		name, isText := part.Value.(ast.String)
		if !isText {
			return ""
		}
		parts = append(parts, string(name))
	}
	return strings.Join(parts, ".")
}
