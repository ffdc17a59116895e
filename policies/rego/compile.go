package rego

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/salvor-io/salvor/policies"
)

// compile checks and compiles what was read. The context bounds what is worked out ahead, nothing else.
func compile(ctx context.Context, read files, options Options) (*program, error) {
	input, err := shapeOf(reflect.TypeFor[policies.Question]())
	if err != nil {
		return nil, err
	}
	input.at("plan", "steps", "", "responder").values = options.Responders
	if len(options.Runbooks) > 0 {
		input.at("plan", "runbook").values = append([]string{""}, options.Runbooks...) // "" where there is no plan
		input.at("history", "tried", "").values = options.Runbooks
	}
	input.at("unknown", "").values = policies.Uncertain()
	modules, err := parseRules(read.rules, pureCapabilities())
	if err != nil {
		return nil, err
	}
	sets := attribute(modules)
	if len(sets) == 0 {
		return nil, fmt.Errorf("no rule says deny, ask or act: write at least one in a package below %s", policiesPath)
	}
	settings, err := readSettings(read.settings)
	if err != nil {
		return nil, err
	}
	var found problems
	own := found.checkSettings(read.settings, settings, options.Taken)
	if err := found.err(); err != nil {
		return nil, err
	}
	if modules[configPath], err = settingsModule(settings); err != nil {
		return nil, err
	}
	compiler, err := compileModules(modules, input, options)
	if err != nil {
		return nil, err
	}
	if found.addUnread(compiler, own); len(found) > 0 {
		return nil, found.err()
	}
	compiled := newProgram(ctx, read.revision(), compiler, sets, input)
	compiled.taken = options.Taken
	return compiled, nil
}

func compileModules(modules map[string]*ast.Module, input *shape, options Options) (*ast.Compiler, error) {
	compiler := newCompiler(pureCapabilities(), input)
	compiler.Compile(modules)
	var found problems
	found.addRefused(compiler)
	if err := found.err(); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(compiler.Modules)) {
		for _, rule := range compiler.Modules[name].Rules {
			found.checkCompiled(compiler, rule, input)
			if !options.Taken {
				found.checkValues(compiler, rule, input)
			}
		}
	}
	found.addUnused(compiler)
	return compiler, found.err()
}

// newCompiler refuses what is unused, impure, or of another type than the input has.
func newCompiler(capabilities *ast.Capabilities, input *shape) *ast.Compiler {
	schemas := ast.NewSchemaSet()
	schemas.Put(ast.SchemaRootRef, input.schema())
	return ast.NewCompiler().WithStrict(true).WithCapabilities(capabilities).WithSchemas(schemas).SetErrorLimit(0)
}

func (p *problems) addRefused(compiler *ast.Compiler) {
	for _, err := range compiler.Errors {
		p.add(err.Location, "%s", explain(err))
	}
}
