package rego

import (
	"fmt"
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/util"
)

// readSettings reads what rules see as data.salvor.config. A later source replaces what an earlier one set, key by key.
func readSettings(list []file) (map[string]any, error) {
	merged := map[string]any{}
	for _, one := range list {
		settings, err := parseSettings(one.text)
		if err != nil {
			return nil, fmt.Errorf("%s of %s: %w", one.path, one.source, err)
		}
		overlay(merged, settings)
	}
	return merged, nil
}

// parseSettings wants the path written out, since that is how OPA's own tools read such a file too.
func parseSettings(text []byte) (map[string]any, error) {
	var document any
	if err := util.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	inner := document
	for _, key := range []string{"salvor", "config"} {
		object, ok := inner.(map[string]any)
		if _, has := object[key]; !ok || !has || len(object) != 1 {
			return nil, fmt.Errorf("it must hold settings as {salvor: {config: {...}}} and nothing else")
		}
		inner = object[key]
	}
	settings, ok := inner.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("salvor.config must be a map")
	}
	return settings, nil
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
