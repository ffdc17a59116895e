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
	demands [][]demand // of each of its rules that can hold
}

// demand is something that has to be so for a rule to say anything: a fact is a certain text, or is not.
type demand struct {
	fact int
	text []byte // as it is written
	not  bool
}

// finish names a set in queries, and finds what its rules read and demand.
func (s *wordSet) finish(n int, p *program) {
	s.name = ast.Var(fmt.Sprintf("set%d", n))
	s.expr = ast.Equality.Expr(ast.NewTerm(s.name), ast.NewTerm(s.path))
	s.reads = places(readBy(p.compiler, p.compiler.GetRulesExact(s.path), p.input), p.paths)
}

// may says whether some rule of the set can say anything. No error is missed: what is passed over, OPA does not evaluate either, since its
// index of rules tells what they demand, or it ends before anything in it can go wrong.
func (s *wordSet) may(w *transcript) bool {
	return slices.ContainsFunc(s.demands, func(rule []demand) bool {
		return !slices.ContainsFunc(rule, func(d demand) bool { return bytes.Equal(w.fact(d.fact), d.text) == d.not })
	})
}

// demandsOf finds what a rule demands; never says that it cannot hold whatever is asked. Comparisons for equality count wherever they stand
// by themselves; all else counts as far as only comparisons stand before it.
func (p *program) demandsOf(rule *ast.Rule) (all []demand, never bool) {
	facts, before := map[ast.Var]*ast.Term{}, true
	for _, expr := range rule.Body {
		if expr.Negated || len(expr.With) > 0 || !expr.IsCall() || len(expr.Operands()) != 2 {
			before = false
			continue
		}
		left, right := expr.Operand(0), expr.Operand(1)
		switch name := expr.Operator().String(); {
		case name == ast.Equality.Name || name == ast.Equal.Name:
			found := append(p.demandOf(left, right, false), p.demandOf(right, left, false)...)
			all = append(all, found...)
			never = never || before && p.nothingIn(right)
			if variable, isVar := left.Value.(ast.Var); isVar && p.factAt(right) >= 0 {
				facts[variable] = right
			} else {
				before = before && found != nil
			}
		case name == ast.NotEqual.Name && before:
			variable, _ := left.Value.(ast.Var)
			if fact := facts[variable]; fact != nil {
				all = append(all, p.demandOf(fact, right, true)...)
			}
		default:
			before = false
		}
	}
	return all, never
}

// nothingIn says whether a reference goes through what is empty: a constant, or a set none of whose rules can hold.
func (p *program) nothingIn(term *ast.Term) bool {
	ref, isRef := term.Value.(ast.Ref)
	if !isRef || ref.IsGround() || !ref.HasPrefix(ast.DefaultRootRef) {
		return false
	}
	path := ref.GroundPrefix()
	if h := p.helpers.at(path); h != nil && h.constant != nil {
		return isEmpty(h.constant.Value)
	}
	rules := p.compiler.GetRulesExact(path)
	return len(rules) > 0 && !slices.ContainsFunc(rules, func(rule *ast.Rule) bool {
		_, never := p.demandsOf(rule)
		return rule.Head.RuleKind() != ast.MultiValue || !never
	})
}

func isEmpty(value ast.Value) bool {
	counted, isCollection := value.(interface{ Len() int })
	return isCollection && counted.Len() == 0
}

// demandOf is the demand that a fact is a text or is not, nothing when the terms are none.
func (p *program) demandOf(fact, text *ast.Term, not bool) []demand {
	want, isText := text.Value.(ast.String)
	n := p.factAt(fact)
	if !isText || n < 0 {
		return nil
	}
	return []demand{{n, appendText(nil, string(want)), not}}
}

// factAt is the fact that a term names, -1 when it names none.
func (p *program) factAt(term *ast.Term) int {
	ref, isRef := term.Value.(ast.Ref)
	if !isRef || !ref.HasPrefix(ast.InputRootRef) {
		return -1
	}
	var parts []string
	for _, part := range ref[1:] {
		name, isText := part.Value.(ast.String)
		if !isText {
			return -1
		}
		parts = append(parts, string(name))
	}
	return slices.Index(p.paths, strings.Join(parts, "."))
}
