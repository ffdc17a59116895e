package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/timeline"
	"github.com/salvor-io/salvor/policies/bundle"
	"github.com/salvor-io/salvor/policies/rego"
	"github.com/salvor-io/salvor/responders/all"
)

func newPolicyCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Write, check, test and roll out policy",
		Args:  usage(noSuchCommand),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPolicyInitCommand(), newPolicyCheckCommand(), newPolicyFmtCommand(), newPolicyTestCommand(),
		newPolicyEvalCommand(env), newPolicyInputCommand(env), newPolicyRecordCommand(env), newPolicyReplayCommand(env),
		newPolicyBuildCommand(), newPolicySignCommand(), newPolicyStatusCommand(env), newPolicyActivateCommand(env))
	return cmd
}

// directoryOf is the directory that the arguments name, the one at hand when they name none.
func directoryOf(args []string) string {
	if len(args) > 0 {
		return filepath.Clean(args[0])
	}
	return "."
}

// policyOf is the policy of an author's directory: the shipped rules, and last those of the directory.
func policyOf(dir string) ([]rego.Source, error) {
	at, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, advisedError{fmt.Errorf("read policy: there is no directory %s", dir), "make one: salvor policy init " + dir}
	case err != nil:
		return nil, fmt.Errorf("read policy: %w", err)
	case !at.IsDir():
		return nil, advisedError{fmt.Errorf("read policy: %s is a file, and policy is a whole directory", dir), "name the directory that it stands in: " + filepath.Dir(dir)}
	}
	return []rego.Source{{Name: "the shipped bundle", Files: bundle.Files()}, {Name: dir, Files: os.DirFS(dir)}}, nil
}

// tellProblems lists what is wrong with rules, one a line. Any other error is left to be told.
func tellProblems(w io.Writer, dir string, err error) error {
	found := rego.Problems(err)
	if len(found) == 0 {
		return err
	}
	for _, one := range found {
		fmt.Fprintln(w, timeline.Plain(one.String()))
	}
	fmt.Fprintf(w, "%d wrong in %s\n", len(found), dir)
	return silentError{err}
}

// responderNames are the names of all responders: a rule that looks for another one has no effect.
func responderNames() []string {
	catalog, err := all.Catalog(all.Options{})
	if err != nil {
		return nil // two of one name, which a test of the catalogue would not let be
	}
	return catalog.Names()
}
