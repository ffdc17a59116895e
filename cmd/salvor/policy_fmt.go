package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/timeline"
	"github.com/salvor-io/salvor/policies/rego"
)

// maxRego bounds a file of rules, in bytes, as the engine does.
const maxRego = 1 << 20

func newPolicyFmtCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "fmt [DIR|FILE...]",
		Short: "Lay out rules and tests as OPA does, and list the files that changed",
		Long: `Lay out each FILE, and each .rego file of each DIR (default the current directory), tests included, and list what changed. A file that
cannot be parsed stays as it is. "-" reads standard input, and writes standard output.`,
		Args: usage(func(_ *cobra.Command, args []string) error {
			for _, arg := range args {
				if arg == "-" && len(args) > 1 {
					return errors.New(`"-" is standard input, and goes with no file`)
				}
			}
			return nil
		}),
	}
	f := formatting{cmd: cmd}
	cmd.Flags().BoolVar(&f.check, "check", false, "change nothing; list what would change, and exit with 1 when that is something")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) == 1 && args[0] == "-" {
			return f.stream()
		}
		if len(args) == 0 {
			args = []string{"."}
		}
		return f.all(args)
	}
	return cmd
}

// formatting is one call of the command.
type formatting struct {
	cmd   *cobra.Command
	check bool
}

// all formats the files that the arguments name. What is wrong with one does not keep it from the others.
func (f formatting) all(args []string) error {
	paths, err := regoFiles(f.cmd.Context(), args)
	if err != nil {
		return err
	}
	changed, wrong := 0, 0
	for _, path := range paths {
		differs, err := f.file(path)
		for _, problem := range rego.Problems(err) {
			fmt.Fprintln(f.cmd.ErrOrStderr(), timeline.Plain(problem.String()))
			wrong++
			err = nil
		}
		if err != nil {
			return err
		}
		if differs {
			changed++
			fmt.Fprintln(f.cmd.OutOrStdout(), path)
		}
	}
	if wrong > 0 || f.check && changed > 0 {
		return silentError{errors.New("files are not laid out")}
	}
	return nil
}

// file formats one file, and says whether that changes it.
func (f formatting) file(path string) (bool, error) {
	in, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = in.Close() }() // nothing was written
	text, formatted, err := format(path, in)
	if err != nil || bytes.Equal(text, formatted) {
		return false, err
	}
	if f.check {
		return true, nil
	}
	return true, replaceFile(path, formatted)
}

// stream formats standard input.
func (f formatting) stream() error {
	text, formatted, err := format("standard input", f.cmd.InOrStdin())
	switch {
	case err != nil:
		return err
	case !f.check:
		_, err := f.cmd.OutOrStdout().Write(formatted)
		return err
	case !bytes.Equal(text, formatted):
		fmt.Fprintln(f.cmd.OutOrStdout(), "standard input")
		return silentError{errors.New("standard input is not laid out")}
	}
	return nil
}

func format(name string, in io.Reader) (text, formatted []byte, err error) {
	if text, err = io.ReadAll(io.LimitReader(in, maxRego+1)); err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(text) > maxRego {
		return nil, nil, fmt.Errorf("read %s: it is larger than %d bytes", name, maxRego)
	}
	formatted, err = rego.Format(name, text)
	return text, formatted, err
}

// regoFiles are the files of rules and tests that are named, or stand in the directories that are.
func regoFiles(ctx context.Context, args []string) ([]string, error) {
	var all []string
	for _, arg := range args {
		at, err := os.Stat(arg)
		if err != nil {
			return nil, fmt.Errorf("read policy: %w", err)
		}
		if !at.IsDir() {
			all = append(all, arg)
			continue
		}
		names, err := rego.Source{Name: arg, Files: os.DirFS(arg)}.RegoFiles(ctx)
		if err != nil {
			return nil, fmt.Errorf("read policy: %w", err)
		}
		if len(names) == 0 {
			return nil, advisedError{fmt.Errorf("format policy: %s holds no .rego file", arg), "make a directory of policy: salvor policy init DIR"}
		}
		for _, name := range names {
			all = append(all, filepath.Join(arg, filepath.FromSlash(name)))
		}
	}
	return all, nil
}

// replaceFile puts text in the place of what a file holds, at once and with the same mode. Of a link, that is the file it leads to.
func replaceFile(path string, text []byte) (err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return err
	}
	at, err := os.Stat(path)
	if err != nil {
		return err
	}
	next, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = next.Write(text)
	err = errors.Join(err, next.Chmod(at.Mode().Perm()), next.Sync(), next.Close())
	if err == nil {
		err = os.Rename(next.Name(), path)
	}
	if err != nil {
		_ = os.Remove(next.Name()) // whatever of it is there is not whole
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
