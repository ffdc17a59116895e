// Package regotest runs the tests of policy authors: rules named test_... in files *_test.rego, by OPA's own tester, and recorded
// questions with the decision that is wanted in files *_test.json. Both judge the rules as the engine loads them.
package regotest

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/salvor-io/salvor/policies/rego"
)

// deadline bounds one test.
const deadline = 5 * time.Second

// Options say what to run. The zero value runs every test.
type Options struct {
	Run       *regexp.Regexp // only tests whose name it matches; nil means all
	DropFacts bool           // also hide each fact of each question in turn, and say which answers get looser
}

// Run runs the tests of the last source, its author's own, over the rules and settings of all of them. Rules that the engine refuses
// are an error as rego.New makes it; a test that fails is none. The report says what ran, in order of file and line.
func Run(ctx context.Context, sources []rego.Source, options Options) (*Report, error) {
	engine, err := rego.New(ctx, sources, rego.Options{})
	if err != nil {
		return nil, err
	}
	suite, err := rego.ReadSuite(ctx, sources)
	if err != nil {
		return nil, fmt.Errorf("load tests: %w", err)
	}
	cases, err := readCases(suite.Cases)
	if err != nil {
		return nil, fmt.Errorf("load tests: %w", err)
	}
	r := &run{engine: engine, suite: suite, cases: cases, options: options, watch: newWatcher(options.DropFacts)}
	report := &Report{Revision: engine.Revision()}
	if report.Results, err = r.rules(ctx); err != nil {
		return nil, err
	}
	report.Results = append(report.Results, r.judge(ctx)...)
	report.sort()
	report.Coverage = coverageOf(r.watch.cover, suite)
	if options.DropFacts {
		report.Dropped, err = r.dropFacts(ctx)
	}
	return report, err
}

// run is one run of tests.
type run struct {
	engine  *rego.Engine
	suite   *rego.Suite
	cases   map[string]Case // by file
	options Options
	watch   *watcher
}

// wanted says whether a test of this name is to run.
func (r *run) wanted(name string) bool {
	return r.options.Run == nil || r.options.Run.MatchString(name)
}
