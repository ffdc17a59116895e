package rego

import (
	"context"
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// helper is a rule that is evaluated for others, or a package on the way to one. What no input changes, such as settings and tables made of
// them, has its value here, worked out once; the values of others are remembered by the facts that they vary with.
type helper struct {
	below    map[string]*helper
	constant *ast.Term
	varies   bool
	about    []int // facts that it varies with
	number   int   // of those that vary, the sets first
}

const answer = ast.Var("answer")

// findHelpers works out what it can until the context ends. A rule that has no value, cannot be evaluated or does not end in time is
// evaluated when it is asked for, as all else.
func (p *program) findHelpers(ctx context.Context) {
	root := &helper{}
	for i, s := range p.sets {
		root.make(s.path).vary(i, s.reads)
	}
	p.numbered = len(p.sets)
	for _, path := range simplePaths(p.compiler) {
		if reads := readBy(p.compiler, p.compiler.GetRulesExact(path), p.input); len(reads) > 0 {
			root.make(path).vary(p.numbered, places(reads, p.paths))
			p.numbered++
			continue
		}
		query := ast.NewBody(ast.Equality.Expr(ast.NewTerm(answer), ast.NewTerm(path)))
		results, err := p.run(ctx, evaluation{query: query, recollection: recollect(root, nil)})
		if err == nil && len(results) == 1 {
			root.make(path).constant = results[0][answer]
		}
	}
	p.helpers = root
}

// simplePaths are where rules stand whose whole value stands in one place: not words, nor what takes arguments.
func simplePaths(compiler *ast.Compiler) []ast.Ref {
	found := map[string]ast.Ref{}
	for _, module := range compiler.Modules {
		for _, rule := range module.Rules {
			path := rule.Ref()
			if len(rule.Head.Args) == 0 && len(rule.Head.Ref()) == 1 && wordIn(path[len(path)-1:]) == "" {
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

// make makes the place of a rule.
func (h *helper) make(path ast.Ref) *helper {
	for _, part := range path[1:] {
		name := string(part.Value.(ast.String))
		if h.below == nil {
			h.below = map[string]*helper{}
		}
		if h.below[name] == nil {
			h.below[name] = &helper{}
		}
		h = h.below[name]
	}
	return h
}

func (h *helper) vary(number int, facts []int) { h.varies, h.number, h.about = true, number, facts }

// at finds a rule by its path, nil when there is none.
func (h *helper) at(path ast.Ref) *helper {
	for _, part := range path[1:] {
		name, isText := part.Value.(ast.String)
		if !isText || h == nil {
			return nil
		}
		h = h.below[string(name)]
	}
	return h
}
