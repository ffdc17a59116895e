package rego

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/salvor-io/salvor/policies"
)

// compile checks and compiles what was read. Rules that compare a responder with none of those given are refused, when any are.
func compile(read files, responders []string) (*program, error) {
	input, err := shapeOf(reflect.TypeFor[policies.Question]())
	if err != nil {
		return nil, err
	}
	input.at("plan", "steps", "", "responder").values = responders
	capabilities := pureCapabilities()
	modules, err := parseRules(read.rules, capabilities)
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
	own := found.checkSettings(read.settings, settings)
	if err := found.err(); err != nil {
		return nil, err
	}
	if modules[configPath], err = settingsModule(settings); err != nil {
		return nil, err
	}
	compiler, err := compileModules(modules, capabilities, input)
	if err != nil {
		return nil, err
	}
	if found.addUnread(compiler, own); len(found) > 0 {
		return nil, found.err()
	}
	return prepare(compiler, sets, &program{revision: read.revision(), input: readOf(compiler, input), store: newStore()})
}

func compileModules(modules map[string]*ast.Module, capabilities *ast.Capabilities, input *shape) (*ast.Compiler, error) {
	compiler := newCompiler(capabilities, input)
	compiler.Compile(modules)
	var found problems
	found.addRefused(compiler)
	if err := found.err(); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(compiler.Modules)) {
		for _, rule := range compiler.Modules[name].Rules {
			found.checkCompiled(compiler, rule, input)
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

// prepare compiles the one query that asks for all sets at once.
func prepare(compiler *ast.Compiler, sets map[string][]ast.Ref, into *program) (*program, error) {
	var terms []*ast.Term
	for _, word := range words {
		for _, set := range sets[word] {
			terms = append(terms, ast.NewTerm(set))
			into.asked = append(into.asked, word)
		}
	}
	queries := compiler.QueryCompiler()
	query, err := queries.Compile(ast.NewBody(ast.Equality.Expr(ast.NewTerm(answer), ast.ArrayTerm(terms...))))
	if err != nil {
		return nil, fmt.Errorf("compile the query: %w", err)
	}
	into.compiler, into.queries, into.query = compiler, queries, query
	return into, nil
}
