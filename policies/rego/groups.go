package rego

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// GroupName is a group that rules or settings name, and where.
type GroupName struct {
	Group string
	Where string // "zone.rego:14", or "data.salvor.config.groups.on_call"
}

// Groups are the groups that the rules in force name word for word, as groups or escalate_to of an ask, and those of the settings below
// groups, in order. What a rule computes is not seen.
func (e *Engine) Groups() []GroupName {
	rules := e.current.Load()
	if rules == nil {
		return nil
	}
	found := map[GroupName]bool{}
	for name, module := range rules.program.compiler.Modules {
		for _, rule := range module.Rules {
			if name == configPath {
				settingGroups(found, rule)
			} else {
				ruleGroups(found, rule)
			}
		}
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b GroupName) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Where, b.Where))
	})
}

// ruleGroups finds what stands in a rule.
func ruleGroups(found map[GroupName]bool, rule *ast.Rule) {
	ast.WalkTerms(rule, func(term *ast.Term) bool {
		object, ok := term.Value.(ast.Object)
		if !ok {
			return false
		}
		for _, field := range []string{"groups", "escalate_to"} {
			if names := object.Get(ast.InternedTerm(field)); names != nil {
				addGroups(found, names, fmt.Sprintf("%s:%d", rule.Location.File, rule.Location.Row))
			}
		}
		return false
	})
}

// settingGroups finds what stands below groups: lists of names, each under a name of its own.
func settingGroups(found map[GroupName]bool, setting *ast.Rule) {
	lists, ok := setting.Head.Value.Value.(ast.Object)
	if !ok || setting.Head.Name != "groups" {
		return
	}
	lists.Foreach(func(key, names *ast.Term) {
		if name, ok := key.Value.(ast.String); ok {
			addGroups(found, names, fmt.Sprintf("data.%s.groups.%s", configPath, string(name)))
		}
	})
}

func addGroups(found map[GroupName]bool, names *ast.Term, where string) {
	add := func(term *ast.Term) {
		if name, ok := term.Value.(ast.String); ok {
			found[GroupName{string(name), where}] = true
		}
	}
	switch list := names.Value.(type) {
	case *ast.Array:
		list.Foreach(add)
	case ast.Set:
		list.Foreach(add)
	}
}
