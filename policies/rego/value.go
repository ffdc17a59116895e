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
func (p *problems) neverIs(expr *ast.Expr, of *shape, all spelt) {
	if of == nil || of.values == nil {
		return
	}
	for _, text := range all.list {
		if !slices.Contains(of.values, text) {
			p.add(expr.Location, "%s%s", never(text, of.values), all.from)
		}
	}
}

// never says what a value is instead of a text. That it may be empty needs no telling.
func never(text string, values []string) string {
	names := slices.DeleteFunc(slices.Clone(values), func(name string) bool { return name == "" })
	return fmt.Sprintf("it is never %q%s; it is one of %s", text, meant(text, names), strings.Join(names, ", "))
}

// spelt are the texts that a rule compares with.
type spelt struct {
	list []string
	from string // "; data.salvor.config.slow has it" where they stand elsewhere
}

// textsOf are the texts of a term, or in the list or set that it is or names.
func (v values) textsOf(compiler *ast.Compiler, term *ast.Term) spelt {
	var out spelt
	add := func(part *ast.Term) {
		if text, ok := part.Value.(ast.String); ok {
			out.list = append(out.list, string(text))
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
			out = v.textsOf(compiler, named)
			out.from = fmt.Sprintf("; %s has it", value)
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

// constant is what a reference finds in a rule that is nothing but a value, nil for any other reference.
func constant(compiler *ast.Compiler, ref ast.Ref) *ast.Term {
	for end := len(ref); end > 0; end-- {
		rules := compiler.GetRulesExact(ref[:end])
		if len(rules) == 0 {
			continue
		}
		if len(rules) != 1 || rules[0].Head.RuleKind() != ast.SingleValue || rules[0].Default || !alwaysTrue(rules[0].Body) {
			return nil
		}
		return within(rules[0].Head.Value, ref[end:])
	}
	return nil
}

// within is what lies at a path in a value that is written out, nil where nothing does.
func within(value *ast.Term, path ast.Ref) *ast.Term {
	if _, isRef := value.Value.(ast.Ref); isRef || !value.IsGround() {
		return nil
	}
	found, err := value.Value.Find(path)
	if err != nil {
		return nil
	}
	return ast.NewTerm(found)
}

func alwaysTrue(body ast.Body) bool {
	return len(body) == 1 && body[0].Equal(ast.NewExpr(ast.BooleanTerm(true)))
}
