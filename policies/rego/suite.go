package rego

import (
	"context"
	"fmt"
	"path"
	"reflect"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/salvor-io/salvor/policies"
)

// Suite is rules with the tests of the last of their sources, in the form that OPA's own tools take: for the packages below this one.
type Suite struct {
	Own     []string               // paths of the rules of the last source
	Modules map[string]*ast.Module // rules of all sources, and tests, by path
	Data    map[string]any         // the settings as the document data, so that a test can replace any of them
	Cases   map[string][]byte      // the *_test.json files by path

	capabilities *ast.Capabilities
	input        *shape
}

// ReadSuite reads what New would load, and the tests of the last source. It returns an error as New does.
func ReadSuite(ctx context.Context, sources []Source) (*Suite, error) {
	read, err := readSources(ctx, sources)
	if err != nil {
		return nil, err
	}
	own := sources[len(sources)-1]
	written, err := own.tests(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the tests of %s: %w", own.Name, err)
	}
	return newSuite(own, read, written)
}

func newSuite(own Source, read files, written tests) (*Suite, error) {
	input, err := shapeOf(reflect.TypeFor[policies.Question]())
	if err != nil {
		return nil, err
	}
	settings, err := readSettings(read.settings)
	if err != nil {
		return nil, err
	}
	suite := &Suite{Data: map[string]any{"salvor": map[string]any{"config": settings}}, Cases: map[string][]byte{},
		capabilities: pureCapabilities(), input: input}
	if suite.Modules, err = parseRules(read.rules, suite.capabilities); err != nil {
		return nil, err
	}
	for _, one := range read.rules {
		if one.source == own.Name {
			suite.Own = append(suite.Own, one.path)
		}
	}
	for _, one := range written.cases {
		suite.Cases[one.path] = one.text
	}
	return suite, suite.addTests(written.rules)
}

// addTests parses tests. They may stand in any package, and say what they like.
func (s *Suite) addTests(list fileList) error {
	var found problems
	for _, one := range list {
		module, err := parse(one, s.capabilities)
		if err != nil {
			found.addParse(one.path, err)
			continue
		}
		s.Modules[one.path] = module
	}
	return found.err()
}

// NewCompiler makes a compiler for the modules that refuses what the engine's own refuses.
func (s *Suite) NewCompiler() *ast.Compiler {
	return newCompiler(s.capabilities, s.input).WithEnablePrintStatements(true)
}

// Refused is what a compiler refused, in the words of the guide for authors; nil when it refused nothing.
func Refused(compiler *ast.Compiler) error {
	var found problems
	found.addRefused(compiler)
	return found.err()
}

// WordOf is the word that a reference to data names the set of, or "".
func WordOf(ref ast.Ref) string {
	if len(ref) == 0 {
		return ""
	}
	name, _ := ref[len(ref)-1].Value.(ast.String)
	if word := string(name); isWord(word) && strings.HasPrefix(ref.String(), "data."+policiesPath+".") {
		return word
	}
	return ""
}

// tests are the files of tests that a source holds.
type tests struct {
	rules fileList
	cases fileList
}

func (s Source) tests(ctx context.Context) (tests, error) {
	var all tests
	err := s.walk(ctx, func(name string) error {
		switch base := path.Base(name); {
		case strings.HasSuffix(base, "_test.rego"):
			return all.rules.read(s, name)
		case strings.HasSuffix(base, "_test.json"):
			return all.cases.read(s, name)
		}
		return nil
	})
	return all, err
}
