package rego

import (
	"github.com/open-policy-agent/opa/v1/ast"
)

// unknownFields finds fields that no input has where OPA's type checker is blind: behind a map, as in
// input.view.zones[zone].brokn. It follows what a rule names input.* and the variables set from it, not the arguments of
// functions.
func (p *problems) unknownFields(compiler *ast.Compiler, rule *ast.Rule, shapes map[ast.Var]*shape) {
	ast.WalkRefs(rule, func(ref ast.Ref) bool {
		at, of, ok := follow(ref, shapes)
		if !ok {
			p.add(rule.Location, "%s", unknownField(written(compiler, ref[:at]), string(ref[at].Value.(ast.String)), of.names()))
		}
		return false
	})
}

// written is a reference as its author wrote it: with the names of variables that the compiler renamed, and _ for those it
// made up.
func written(compiler *ast.Compiler, ref ast.Ref) string {
	out := ref.Copy()
	for i, part := range out {
		name, isVar := part.Value.(ast.Var)
		if original, renamed := compiler.RewrittenVars[name]; isVar && renamed {
			out[i] = ast.NewTerm(original)
		} else if isVar && name.IsGenerated() {
			out[i] = ast.VarTerm("_")
		}
	}
	return out.String()
}

// variableShapes are the shapes of the variables of a rule that stand for a part of the input.
func variableShapes(rule *ast.Rule, input *shape) map[ast.Var]*shape {
	known := map[ast.Var]*shape{ast.InputRootDocument.Value.(ast.Var): input}
	for before := 0; before < len(known); { // until a pass learns nothing new
		before = len(known)
		ast.WalkExprs(rule, func(expr *ast.Expr) bool {
			learn(known, expr)
			return false
		})
	}
	return known
}

// learn takes in what an expression sets: a variable that equals a part of the input, or each element of one.
func learn(known map[ast.Var]*shape, expr *ast.Expr) {
	if every, ok := expr.Terms.(*ast.Every); ok {
		if of := shapeAt(known, every.Domain); of != nil && of.elem != nil {
			set(known, every.Value, of.elem)
		}
		return
	}
	if !expr.IsEquality() {
		return
	}
	left, right := expr.Operand(0), expr.Operand(1)
	set(known, left, shapeAt(known, right))
	set(known, right, shapeAt(known, left))
}

func set(known map[ast.Var]*shape, term *ast.Term, of *shape) {
	if name, ok := term.Value.(ast.Var); ok && of != nil && known[name] == nil {
		known[name] = of
	}
}

// shapeAt is the shape of a variable or of a reference to a part of the input; nil when it is none or not known.
func shapeAt(known map[ast.Var]*shape, term *ast.Term) *shape {
	switch value := term.Value.(type) {
	case ast.Var:
		return known[value]
	case ast.Ref:
		_, of, _ := follow(value, known)
		return of
	}
	return nil
}

// follow walks a reference. It returns the shape at its end, nil when that is not known; or, not ok, where it leaves what
// there is, and the record that has no such field.
func follow(ref ast.Ref, known map[ast.Var]*shape) (at int, of *shape, ok bool) {
	name, isVar := ref[0].Value.(ast.Var)
	if !isVar {
		return 0, nil, true
	}
	of = known[name]
	for at = 1; at < len(ref) && of != nil; at++ {
		if of.kind != record {
			of = of.elem
			continue
		}
		name, isText := ref[at].Value.(ast.String)
		if !isText {
			return at, nil, true
		}
		next, has := of.field(string(name))
		if !has {
			return at, of, false
		}
		of = next
	}
	return at, of, true
}
