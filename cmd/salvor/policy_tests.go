package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/policies/rego/regotest"
)

func newPolicyTestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "test [DIR]",
		Short: "Run the tests of a directory of policy",
		Long: `Run the tests of DIR (default the current directory) on its rules beside the shipped ones, with its settings.

Tests are rules named test_... in files *_test.rego: a table test, such as "test_days[name] if { some name, case in {...}; ... }", is a
test for each of its cases. Files *_test.json hold a question and the decision that is wanted of it. A test that fails is printed with
the expression that does not hold, and the values in it.

--drop-facts asks each question of the tests again, each time with a fact hidden that may be unknown in life. No answer may get looser.

Exit code 1 says that a test failed, that an answer got looser, that coverage is too low, or that nothing ran.`,
		Example: `  salvor policy test policies
  salvor policy test policies --run weekend --verbose
  salvor policy test policies --coverage-min 90 --drop-facts --format github`,
		Args: usage(cobra.MaximumNArgs(1)),
	}
	t := trial{cmd: cmd}
	flags := cmd.Flags()
	flags.StringVar(&t.run, "run", "", "only tests whose name matches this regular expression")
	flags.BoolVar(&t.show.Coverage, "coverage", false, "say which lines of the rules no test reaches")
	flags.Float64Var(&t.least, "coverage-min", 0, "percent of the lines that tests have to reach")
	flags.StringVar(&t.format, "format", string(regotest.Pretty), fmt.Sprintf("form of the report: %v", regotest.Formats()))
	flags.BoolVar(&t.options.DropFacts, "drop-facts", false, "hide each fact in turn, and say which answers get looser")
	flags.BoolVar(&t.show.Verbose, "verbose", false, "also print the tests that passed")
	cmd.RunE = func(_ *cobra.Command, args []string) error { return t.test(directoryOf(args)) }
	return cmd
}

// trial is one call of the command.
type trial struct {
	cmd     *cobra.Command
	run     string
	format  string
	least   float64
	options regotest.Options
	show    regotest.Show
}

func (t trial) test(dir string) error {
	if err := t.check(); err != nil {
		return usageError{err, t.cmd.CommandPath()}
	}
	sources, err := policyOf(dir)
	if err != nil {
		return err
	}
	report, err := regotest.Run(t.cmd.Context(), sources, t.options)
	if err != nil {
		return tellProblems(t.cmd.ErrOrStderr(), dir, err)
	}
	t.show.Dir = filepath.ToSlash(dir)
	if err := report.Write(t.cmd.OutOrStdout(), regotest.Format(t.format), t.show); err != nil {
		return err
	}
	return t.conclude(dir, report)
}

// check reads the flags.
func (t *trial) check() (err error) {
	if !slices.Contains(regotest.Formats(), regotest.Format(t.format)) {
		return fmt.Errorf("no form of report is named %q; there are %v", t.format, regotest.Formats())
	}
	if t.least < 0 || t.least > 100 {
		return fmt.Errorf("--coverage-min is a share in percent, from 0 to 100, not %g", t.least)
	}
	t.show.Coverage = t.show.Coverage || t.least > 0
	if t.run != "" {
		if t.options.Run, err = regexp.Compile(t.run); err != nil {
			return fmt.Errorf("--run: %w", err)
		}
	}
	return nil
}

// conclude is the error for what the report has told already, or for what is no test's fault.
func (t trial) conclude(dir string, report *regotest.Report) error {
	switch {
	case report.Ran() == 0 && t.run != "":
		return advisedError{fmt.Errorf("no test ran: none of %s has a name that matches %s", dir, t.run), "see their names: salvor policy test --verbose " + dir}
	case report.Ran() == 0:
		return advisedError{fmt.Errorf("no test ran: %s has none", dir),
			"write rules named test_... into files *_test.rego there, or questions with the decision that is wanted into files *_test.json"}
	case !report.Well():
		return silentError{errors.New("tests failed")}
	case report.Coverage.Percent < t.least:
		return advisedError{fmt.Errorf("tests reach %.1f%% of the lines, and %g%% are wanted", report.Coverage.Percent, t.least), "write tests for the lines that the report lists"}
	}
	return nil
}
