package rego

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Place is a cluster or an environment that settings name, and where.
type Place struct {
	Kind  string // "cluster" or "environment"
	Name  string
	Where string // "data.salvor.config.environments", or "data.salvor.config.freezes"
}

// Places are the clusters and environments that the settings in force name, in order, but for clusters without an environment.
func (e *Engine) Places() []Place {
	rules := e.current.Load()
	if rules == nil {
		return nil
	}
	found := map[Place]bool{}
	for _, setting := range rules.program.compiler.Modules[configPath].Rules {
		where := fmt.Sprintf("data.%s.%s", configPath, setting.Head.Name)
		switch value := setting.Head.Value.Value.(type) {
		case ast.Object:
			if setting.Head.Name == "environments" {
				value.Foreach(func(name, _ *ast.Term) { addPlace(found, "environment", name, where) })
			}
		case *ast.Array:
			if setting.Head.Name == "freezes" {
				value.Foreach(func(freeze *ast.Term) { placesOf(found, freeze, where) })
			}
		}
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b Place) int {
		return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
}

// placesOf finds what a freeze is about.
func placesOf(found map[Place]bool, freeze *ast.Term, where string) {
	for kind, field := range map[string]string{"cluster": "clusters", "environment": "environments"} {
		list := freeze.Get(ast.InternedTerm(field))
		if list == nil {
			continue
		}
		if names, ok := list.Value.(*ast.Array); ok {
			names.Foreach(func(name *ast.Term) { addPlace(found, kind, name, where) })
		}
	}
}

func addPlace(found map[Place]bool, kind string, name *ast.Term, where string) {
	if text, ok := name.Value.(ast.String); ok && text != "" {
		found[Place{kind, string(text), where}] = true
	}
}
