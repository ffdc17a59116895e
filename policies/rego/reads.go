package rego

import (
	"github.com/open-policy-agent/opa/v1/ast"
)

// readOf is the part of the input that compiled rules read: its records hold only the fields that some rule names. What is left
// out makes no difference to any answer. A rule that takes a record as a whole, or picks its fields by a variable, reads all of it.
// The compiler has moved what the heads of rules name into their bodies.
func readOf(compiler *ast.Compiler, input *shape) *shape {
	read := &reading{}
	for _, module := range compiler.Modules {
		for _, rule := range module.Rules {
			read.markAll(rule, input)
		}
	}
	return read.of(input)
}

// readBy are the paths of the facts that rules read, and those that they use.
func readBy(compiler *ast.Compiler, rules []*ast.Rule, input *shape) []string {
	read := &reading{}
	for rule := range reached(compiler, rules) {
		read.markAll(rule, input)
	}
	return read.of(input).paths("")
}

// markAll notes what a rule names of the input.
func (r *reading) markAll(rule *ast.Rule, input *shape) {
	ast.WalkRefs(rule, func(ref ast.Ref) bool {
		if ref.HasPrefix(ast.InputRootRef) {
			r.mark(ref[1:], input)
		}
		return false
	})
}

// reading says what is read of one record.
type reading struct {
	all    bool
	fields map[string]*reading
}

// mark notes that the rest of a reference, which begins at the shape, is read.
func (r *reading) mark(rest ast.Ref, at *shape) {
	if at.kind != record {
		r.all = true
		return
	}
	var name ast.String
	if len(rest) > 0 {
		name, _ = rest[0].Value.(ast.String)
	}
	next, known := at.field(string(name))
	if !known {
		r.all = true
		return
	}
	if r.fields == nil {
		r.fields = map[string]*reading{}
	}
	if r.fields[string(name)] == nil {
		r.fields[string(name)] = &reading{}
	}
	r.fields[string(name)].mark(rest[1:], next)
}

// of is the part of the shape that is read.
func (r *reading) of(whole *shape) *shape {
	if r.all || whole.kind != record {
		return whole
	}
	part := *whole
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
