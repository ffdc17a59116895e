package rego

import (
	"context"
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// constants works out the values of rules that no input changes, such as settings and tables made of them, so that it is done once and not
// for each question. What has no value, cannot be evaluated or does not end before the context is left out: it is evaluated when it is
// asked for, as all else. Nothing may be written to what it returns.
func (p *program) constants(ctx context.Context) topdown.VirtualCache {
	found := topdown.NewVirtualCache()
	for _, path := range constantPaths(p.compiler) {
		results, err := p.run(ctx, evaluation{query: ast.NewBody(ast.Equality.Expr(ast.NewTerm(answer), ast.NewTerm(path))), known: found})
		if err == nil && len(results) == 1 {
			found.Put(path, results[0][answer])
		}
	}
	return found
}

const answer = ast.Var("answer")

// constantPaths are where the rules stand that no input changes. Words are not among them, nor is what takes arguments.
func constantPaths(compiler *ast.Compiler) []ast.Ref {
	found := map[string]ast.Ref{}
	depends := dependence{compiler, map[*ast.Rule]bool{}}
	for _, module := range compiler.Modules {
		for _, rule := range module.Rules {
			if path, isPath := simplePath(rule); isPath && !slices.ContainsFunc(compiler.GetRulesExact(path), depends.onInput) {
				found[path.String()] = path
			}
		}
	}
	var paths []ast.Ref
	for _, name := range slices.Sorted(maps.Keys(found)) {
		paths = append(paths, found[name])
	}
	return paths
}

// simplePath is where a rule stands whose whole value stands in one place.
func simplePath(rule *ast.Rule) (ast.Ref, bool) {
	path := rule.Ref()
	return path, wordIn(path[len(path)-1:]) == "" && len(rule.Head.Args) == 0 && len(rule.Head.Ref()) == 1
}

// dependence is what is known of which rules depend on the input.
type dependence struct {
	compiler *ast.Compiler
	known    map[*ast.Rule]bool
}

// onInput says whether the input can make a difference to a rule, through others as well.
func (d dependence) onInput(rule *ast.Rule) bool {
	depends, known := d.known[rule]
	if known {
		return depends
	}
	ast.WalkRefs(rule, func(ref ast.Ref) bool {
		depends = depends || ref.HasPrefix(ast.InputRootRef)
		return depends
	})
	for part := rule; part != nil; part = part.Else {
		for other := range d.compiler.Graph.Dependencies(part) {
			depends = depends || d.onInput(other.(*ast.Rule))
		}
	}
	d.known[rule] = depends
	return depends
}

// recollection is what one evaluation has worked out, on top of what was known before it. Under "with" other values hold: there nothing
// was known.
type recollection struct {
	topdown.VirtualCache
	known topdown.VirtualCache
	depth int
}

// Push begins what is under "with".
func (r *recollection) Push() {
	r.depth++
	r.VirtualCache.Push()
}

// Pop ends it.
func (r *recollection) Pop() {
	r.depth--
	r.VirtualCache.Pop()
}

// Get gives the value at a path, or says that there is none; neither when that is not known.
func (r *recollection) Get(path ast.Ref) (value *ast.Term, undefined bool) {
	value, undefined = r.VirtualCache.Get(path)
	if value != nil || undefined || r.depth > 0 {
		return value, undefined
	}
	return r.known.Get(path)
}
