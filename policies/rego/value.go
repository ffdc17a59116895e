package rego

import (
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// impossibleValues finds where a rule compares a part of the input with a text that it never is, as in input.plan.class == "gentle". It
// knows ==, != and in, and texts that are written out, in the rule or in one that is nothing but a value.
func (p *problems) impossibleValues(compiler *ast.Compiler, rule *ast.Rule, shapes map[ast.Var]*shape) {
	values := valuesIn(rule)
	ast.WalkExprs(rule, func(expr *ast.Expr) bool {
		left, right, ok := compared(expr)
		if !ok {
			return false
		}
		p.neverIs(expr, shapeAt(shapes, left), values.textsOf(compiler, right))
		p.neverIs(expr, shapeAt(shapes, right), values.textsOf(compiler, left))
		if list := shapeAt(shapes, right); list != nil && expr.Operator().String() == ast.Member.Name {
			p.neverIs(expr, list.elem, values.textsOf(compiler, left))
		}
		return false
	})
}

// values are what the variables of a rule are set to, as far as that is written out. The compiler sets variables of its own to what
// functions are called with.
type values map[ast.Var]*ast.Term

func valuesIn(rule *ast.Rule) values {
	set := values{}
	ast.WalkExprs(rule, func(expr *ast.Expr) bool {
		if expr.IsEquality() {
			set.learn(expr.Operand(0), expr.Operand(1))
			set.learn(expr.Operand(1), expr.Operand(0))
		}
		return false
	})
	return set
}

func (v values) learn(name, value *ast.Term) {
	if name, ok := name.Value.(ast.Var); ok {
		v[name] = value
	}
}

// compared are the two sides of a comparison, or an element and what it is sought in.
func compared(expr *ast.Expr) (left, right *ast.Term, ok bool) {
	if !expr.IsCall() || len(expr.Operands()) < 2 {
		return nil, nil, false
	}
	switch expr.Operator().String() {
	case ast.Equality.Name, ast.Equal.Name, ast.NotEqual.Name, ast.Member.Name:
		return expr.Operand(0), expr.Operand(1), true
	}
	return nil, nil, false
}

// neverIs refuses the texts of a term that what has the shape cannot be.
func (p *problems) neverIs(expr *ast.Expr, of *shape, texts []string) {
	if of == nil || of.values == nil {
		return
	}
	for _, text := range texts {
		if !slices.Contains(of.values, text) {
			p.add(expr.Location, "%s", never(text, of.values))
		}
	}
}

func never(text string, values []string) string {
	return fmt.Sprintf("it is never %q%s; it is one of %s", text, meant(text, values), strings.Join(values, ", "))
}

// textsOf are the texts of a term, or in the list or set that it is or names.
func (v values) textsOf(compiler *ast.Compiler, term *ast.Term) []string {
	var out []string
	add := func(part *ast.Term) {
		if text, ok := part.Value.(ast.String); ok {
			out = append(out, string(text))
		}
	}
	switch value := term.Value.(type) {
	case ast.String:
		add(term)
	case *ast.Array:
		value.Foreach(add)
	case ast.Set:
		value.Foreach(add)
	case ast.Ref:
		if named := constant(compiler, value); named != nil {
			return v.textsOf(compiler, named)
		}
	case ast.Var:
		if set := v[value]; set != nil {
			if _, again := set.Value.(ast.Var); !again {
				return v.textsOf(compiler, set)
			}
		}
	}
	return out
}

// constant is the value of a rule that is nothing but one, nil for any other reference.
func constant(compiler *ast.Compiler, ref ast.Ref) *ast.Term {
	rules := compiler.GetRulesExact(ref)
	if len(rules) != 1 || rules[0].Head.RuleKind() != ast.SingleValue || rules[0].Default || !alwaysTrue(rules[0].Body) {
		return nil
	}
	value := rules[0].Head.Value
	if _, isRef := value.Value.(ast.Ref); isRef || !value.IsGround() {
		return nil
	}
	return value
}

func alwaysTrue(body ast.Body) bool {
	return len(body) == 1 && body[0].Equal(ast.NewExpr(ast.BooleanTerm(true)))
}
