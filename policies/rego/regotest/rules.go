package regotest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"

	"github.com/salvor-io/salvor/policies/rego"
)

// rules runs the tests in Rego, and the packages of those that fail once more with a trace, which shows why.
func (r *run) rules(ctx context.Context) ([]Result, error) {
	var results []Result
	failed := map[string]*tester.Result{}
	watched := func(t *tester.Runner) { t.SetCoverageQueryTracer(r.watch).SetParallel(1) } // the watcher knows which test runs
	err := r.test(ctx, watched, func(one *tester.Result) {
		if one.Fail {
			failed[one.Package+one.Name] = one
			return
		}
		results = append(results, r.resultsOf(one)...)
	})
	if err != nil || len(failed) == 0 {
		return results, err
	}
	traced := func(t *tester.Runner) { t.EnableTracing(true).SetPrefixMatchers(packagesOf(failed)...) }
	err = r.test(ctx, traced, func(one *tester.Result) {
		if one.Fail && failed[one.Package+one.Name] != nil {
			failed[one.Package+one.Name] = one
		}
	})
	for _, one := range failed { // as it failed at first, where it does not end in time with a trace
		results = append(results, r.resultsOf(one)...)
	}
	return results, err
}

func packagesOf(tests map[string]*tester.Result) []ast.Ref {
	var all []ast.Ref
	for _, one := range tests {
		all = append(all, ast.MustParseRef(one.Package))
	}
	return all
}

// test runs the tests and hands over each that ended.
func (r *run) test(ctx context.Context, set func(*tester.Runner), ended func(*tester.Result)) error {
	store, compiler := inmem.NewFromObject(r.suite.Data), r.suite.NewCompiler()
	runner := tester.NewRunner().SetStore(store).SetCompiler(compiler).SetModules(r.suite.Modules).
		RaiseBuiltinErrors(true).SetTimeout(deadline)
	if r.options.Run != nil {
		runner.Filter(r.options.Run.String())
	}
	set(runner)
	return storage.Txn(ctx, store, storage.TransactionParams{}, func(txn storage.Transaction) error {
		results, err := runner.RunTests(ctx, txn)
		if compiler.Failed() {
			return fmt.Errorf("load tests: %w", rego.Refused(compiler))
		}
		if err != nil {
			return fmt.Errorf("run tests: %w", err)
		}
		for one := range results {
			ended(one)
		}
		return ctx.Err()
	})
}

// resultsOf is what one rule found: one result, or one for each case of a table.
func (r *run) resultsOf(one *tester.Result) []Result {
	result := Result{Suite: strings.TrimPrefix(one.Package, "data."), Name: one.Name, File: one.Location.File, Line: one.Location.Row,
		Outcome: Passed, Printed: strings.TrimSpace(string(one.Output)), DurationS: one.Duration.Seconds()}
	switch {
	case one.Skip:
		result.Outcome = Skipped
	case one.Error != nil:
		result.broken(one.Error)
	case len(one.SubResults) > 0:
		return casesOf(result, one.SubResults)
	case one.Fail:
		result.failed(one.Trace)
	case r.isTable(one):
		result.Outcome, result.Why = Failed, "its table has no case, so nothing was tested"
	}
	return []Result{result}
}

// casesOf are the cases of a table, those of tables within it by their path.
func casesOf(table Result, cases tester.SubResultMap) []Result {
	var all []Result
	for path, one := range cases.Iter {
		if len(one.SubResults) > 0 {
			continue
		}
		result := table
		result.Name += "/" + strings.Join(path, "/")
		if one.Fail {
			result.failed(one.Trace)
		}
		all = append(all, result)
	}
	printedOnce(all)
	return all
}

// printedOnce leaves what the rules of a table printed, in all of its cases, beside the first that is bad, or else the first.
func printedOnce(cases []Result) {
	first := max(0, slices.IndexFunc(cases, Result.Bad))
	for i := range cases {
		if i != first {
			cases[i].Printed = ""
		}
	}
}

// isTable says that the rule of a test has cases: it names each by a variable.
func (r *run) isTable(one *tester.Result) bool {
	return slices.ContainsFunc(r.suite.Modules[one.Location.File].Rules, func(rule *ast.Rule) bool {
		return rule.Location.Row == one.Location.Row && !rule.Head.Ref().IsGround()
	})
}
