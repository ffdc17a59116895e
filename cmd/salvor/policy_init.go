package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/policies/bundle"
	"github.com/salvor-io/salvor/policies/rego"
	"github.com/salvor-io/salvor/policies/template"
)

func newPolicyInitCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "init DIR",
		Short: "Write a directory of policy to begin with: settings, a rule, its test, and what checks them",
		Long: `Write DIR: the settings, commented out, an example of a rule in package salvor.policies.NAME with its test, a workflow for GitHub that
checks and tests them, and schemas for editors. DIR must be empty, or not there yet.`,
		Args: usage(cobra.ExactArgs(1)),
	}
	cmd.Flags().StringVar(&name, "name", "team", "name of the package and of its files")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		dir := filepath.Clean(args[0])
		files, err := template.Files(name, bundle.Files(), bundle.Schemas())
		if err != nil {
			return usageError{err, cmd.CommandPath()}
		}
		if err := begin(cmd.Context(), dir, files); err != nil {
			return err
		}
		for _, path := range slices.Sorted(maps.Keys(files)) {
			fmt.Fprintln(cmd.OutOrStdout(), filepath.Join(dir, path))
		}
		return whatNext(cmd.ErrOrStderr(), dir, name)
	}
	return cmd
}

func whatNext(w io.Writer, dir, name string) error {
	columns := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(columns, "next:")
	for _, step := range [][2]string{
		{"salvor policy test --verbose " + dir, "run the tests of the example"},
		{"edit " + filepath.Join(dir, name+".rego"), "say what may be done, and what may not"},
		{"salvor policy test --coverage --drop-facts " + dir, "see what no test reaches yet, and where a fact that is not known loosens an answer"},
		{"salvor policy check " + dir, "see what Salvor would refuse"},
		{"policies: {dir: " + dir + "}", "write this into salvor.yaml, and salvor serve reads it"},
	} {
		fmt.Fprintf(columns, "  %s\t%s\n", step[0], step[1])
	}
	return columns.Flush()
}

// begin writes the files into a directory that is empty or not there. They are checked before they stand there, and appear at once.
func begin(ctx context.Context, dir string, files map[string][]byte) error {
	there, err := isEmpty(dir, files)
	if err != nil {
		return err
	}
	beside := filepath.Dir(dir)
	if there {
		beside = dir
	}
	stage, err := os.MkdirTemp(beside, ".salvor-init-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", dir, err)
	}
	defer func() { _ = os.RemoveAll(stage) }() // of what was not moved
	if err := fill(stage, files); err != nil {
		return fmt.Errorf("write %s: %w", dir, err)
	}
	sources := []rego.Source{{Name: "the shipped bundle", Files: bundle.Files()}, {Name: dir, Files: os.DirFS(stage)}}
	if _, err := rego.New(ctx, sources, rego.Options{}); err != nil {
		return advisedError{fmt.Errorf("that name cannot be used: %w", err), "take another: --name NAME"}
	}
	if !there {
		return os.Rename(stage, dir)
	}
	return moveAll(stage, dir)
}

// isEmpty says whether there is an empty directory. What else is there is an error, which says what would be overwritten.
func isEmpty(dir string, files map[string][]byte) (bool, error) {
	held, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look into %s: %w", dir, err)
	case len(held) == 0:
		return true, nil
	}
	what := "none of its files has a name that init writes"
	if lost := alreadyThere(dir, files); len(lost) > 0 {
		what = "this would be overwritten: " + strings.Join(lost, ", ")
	}
	return false, advisedError{fmt.Errorf("%s is not empty, so nothing is written; %s", dir, what), "name another directory, and move over from there what you want"}
}

func alreadyThere(dir string, files map[string][]byte) []string {
	var lost []string
	for _, path := range slices.Sorted(maps.Keys(files)) {
		if _, err := os.Lstat(filepath.Join(dir, path)); err == nil {
			lost = append(lost, path)
		}
	}
	return lost
}

func fill(dir string, files map[string][]byte) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	for path, text := range files {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func moveAll(from, to string) error {
	held, err := os.ReadDir(from)
	for _, one := range held {
		err = errors.Join(err, os.Rename(filepath.Join(from, one.Name()), filepath.Join(to, one.Name())))
	}
	return err
}
