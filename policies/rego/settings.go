package rego

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/util"
)

// readSettings reads what rules see as data.salvor.config. A later source replaces what an earlier one set, key by key.
func readSettings(list []file) (map[string]any, error) {
	merged := map[string]any{}
	var found problems
	for _, one := range list {
		overlay(merged, found.settingsOf(one))
	}
	return merged, found.err()
}

// settingsOf reads one file.
func (p *problems) settingsOf(one file) map[string]any {
	document := p.documentOf(one)
	if document == nil || p.configOf(one.path, document) == nil {
		return nil
	}
	var held struct {
		Salvor struct{ Config map[string]any }
	}
	if err := util.Unmarshal(one.text, &held); err != nil {
		at := cmp.Or(unreadable(document), document)
		p.addAt(one.path, at.Line, "it cannot be read as JSON: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	return held.Salvor.Config
}

func overlay(base, over map[string]any) {
	for key, value := range over {
		below, isMap := base[key].(map[string]any)
		above, alsoMap := value.(map[string]any)
		if isMap && alsoMap {
			overlay(below, above)
			continue
		}
		base[key] = value
	}
}

// settingsModule turns settings into rules of the package salvor.config. So their types are known, and a rule that names
// a setting which nobody made is refused when it is loaded.
func settingsModule(settings map[string]any) (*ast.Module, error) {
	module := &ast.Module{Package: &ast.Package{Path: ast.MustParseRef("data." + configPath)}}
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		value, err := ast.InterfaceToValue(settings[key])
		if err != nil {
			return nil, fmt.Errorf("setting %s: %w", key, err)
		}
		module.Rules = append(module.Rules, settingRule(module, key, value))
	}
	return module, nil
}

func settingRule(module *ast.Module, key string, value ast.Value) *ast.Rule {
	return &ast.Rule{
		Module: module,
		Head:   &ast.Head{Name: ast.Var(key), Reference: ast.Ref{ast.VarTerm(key)}, Value: ast.NewTerm(value), Assign: true},
		Body:   ast.NewBody(ast.NewExpr(ast.BooleanTerm(true))),
	}
}
