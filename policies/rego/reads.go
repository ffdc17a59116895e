package rego

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// readOf is the part of the input that compiled rules read: its records hold only the fields that some rule names, those in lists and maps
// too. What is left out makes no difference to any answer. A rule that takes a record as a whole, or picks its fields by a variable, reads
// all of it. The compiler has moved what the heads of rules name into their bodies.
func readOf(compiler *ast.Compiler, input *shape) *shape {
	read := &reading{}
	for _, module := range compiler.Modules {
		for _, rule := range module.Rules {
			read.markRule(rule, input)
		}
	}
	return read.of(input)
}

// readBy are the paths of the facts that rules read, and those that they use.
func readBy(compiler *ast.Compiler, rules []*ast.Rule, input *shape) []string {
	read := &reading{}
	for rule := range reached(compiler, rules) {
		read.markRule(rule, input)
	}
	return read.of(input).paths("")
}

// reading says what is read of a value.
type reading struct {
	all    bool
	fields map[string]*reading // of a record
	elem   *reading            // of all elements of a list or a map
}

// part is what is read where a reference ends, which begins at the shape.
func (r *reading) part(rest ast.Ref, at *shape) (*reading, *shape) {
	for _, term := range rest {
		switch at.kind {
		case record:
			name, _ := term.Value.(ast.String)
			next, known := at.field(string(name))
			if !known {
				r.all = true
				return r, at
			}
			r, at = r.field(string(name)), next
		case list, dict:
			if r.elem == nil {
				r.elem = &reading{}
			}
			r, at = r.elem, at.elem
		default:
			r.all = true
			return r, at
		}
	}
	return r, at
}

func (r *reading) field(name string) *reading {
	if r.fields == nil {
		r.fields = map[string]*reading{}
	}
	if r.fields[name] == nil {
		r.fields[name] = &reading{}
	}
	return r.fields[name]
}

// of is the part of the shape that is read.
func (r *reading) of(whole *shape) *shape {
	if r.all || whole.kind != record && whole.elem == nil {
		return whole
	}
	part := *whole
	if whole.kind != record {
		elem := r.elem
		if elem == nil {
			elem = &reading{} // its length, at most
		}
		part.elem = elem.of(whole.elem)
		return &part
	}
	part.fields = nil
	for _, f := range whole.fields {
		if read := r.fields[f.name]; read != nil {
			f.shape = read.of(f.shape)
			part.fields = append(part.fields, f)
		}
	}
	part.count()
	return &part
}

// markRule notes what a rule names of the input, directly or by a variable that stands for a part of it.
func (r *reading) markRule(rule *ast.Rule, input *shape) {
	m := marking{input: r, shape: input, stands: map[ast.Var]place{}, sets: map[*ast.Expr]bool{}}
	for before := -1; before < len(m.stands); { // until a pass learns nothing new
		before = len(m.stands)
		ast.WalkExprs(rule, func(expr *ast.Expr) bool {
			m.learn(expr)
			return false
		})
	}
	ast.NewGenericVisitor(m.visit).Walk(rule)
}

// place is a part of the input.
type place struct {
	read  *reading
	shape *shape
}

// marking is one pass over a rule.
type marking struct {
	input  *reading
	shape  *shape
	stands map[ast.Var]place  // variables that stand for a part of the input
	sets   map[*ast.Expr]bool // the expressions that say so
}

// learn takes in an expression that lets a variable stand for a part of the input. A variable that is said to stand for two is none: it
// compares them.
func (m *marking) learn(expr *ast.Expr) {
	if !expr.IsEquality() || len(expr.With) > 0 || expr.Negated || m.sets[expr] {
		return
	}
	for _, side := range [][2]*ast.Term{{expr.Operand(0), expr.Operand(1)}, {expr.Operand(1), expr.Operand(0)}} {
		name, isVar := side[0].Value.(ast.Var)
		ref, isRef := side[1].Value.(ast.Ref)
		if !isVar || !isRef {
			continue
		}
		at, known := m.at(ref)
		if _, twice := m.stands[name]; known && !twice {
			m.stands[name], m.sets[expr] = at, true
		}
	}
}

// at is the part of the input that a reference names.
func (m *marking) at(ref ast.Ref) (place, bool) {
	if ref.HasPrefix(ast.InputRootRef) {
		read, of := m.input.part(ref[1:], m.shape)
		return place{read, of}, true
	}
	head, isVar := ref[0].Value.(ast.Var)
	from, known := m.stands[head]
	if !isVar || !known {
		return place{}, false
	}
	read, of := from.read.part(ref[1:], from.shape)
	return place{read, of}, true
}

// visit marks what a part of a rule names. It returns true where it has looked at what is below itself.
func (m *marking) visit(x any) bool {
	switch x := x.(type) {
	case *ast.Expr:
		return m.visitExpr(x)
	case *ast.Term:
		return m.visitValue(x.Value)
	case ast.Ref:
		return m.visitValue(x)
	case ast.Var:
		return m.visitValue(x)
	}
	return false
}

// visitExpr passes over the two sides of what lets a variable stand for something, and over what is only counted.
func (m *marking) visitExpr(expr *ast.Expr) bool {
	if m.sets[expr] {
		for _, side := range expr.Operands() {
			if ref, isRef := side.Value.(ast.Ref); isRef {
				m.visitTerms(ref[1:])
			}
		}
		return true
	}
	if expr.IsCall() && expr.Operator().Equal(ast.Count.Ref()) && len(expr.With) == 0 {
		if name, isVar := expr.Operand(0).Value.(ast.Var); isVar {
			if at, known := m.stands[name]; known && at.shape.elem != nil {
				m.visitTerms(expr.Operands()[1:])
				return true
			}
		}
	}
	return false
}

func (m *marking) visitTerms(terms []*ast.Term) {
	for _, term := range terms {
		ast.NewGenericVisitor(m.visit).Walk(term)
	}
}

// visitValue marks all of what a variable or a reference names.
func (m *marking) visitValue(value ast.Value) bool {
	switch value := value.(type) {
	case ast.Var:
		if at, known := m.stands[value]; known {
			at.read.all = true
		}
		return true
	case ast.Ref:
		if at, known := m.at(value); known {
			at.read.all = true
			m.visitTerms(value[1:])
			return true
		}
		m.visitTerms(slices.Clone(value)[1:])
		return true
	}
	return false
}
