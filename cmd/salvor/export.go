package main

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

func newExportCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write what Salvor recorded in a span of time to a file, for salvor replay",
		Long: `Write what a running Salvor recorded: the incidents of a span with what policy was asked about them, the events, and what judges of its
configuration, with the policies and runbooks beside the shipped ones. No path, address, token or command is in it; what was seen of your
clusters is. salvor replay judges it again, by the same or another configuration.`,
		Example: `  salvor export --since 24h --out day.gz
  salvor export --from 2026-03-01T00:00:00Z --to 2026-03-02T00:00:00Z > night.txtar`,
		Args: usage(cobra.NoArgs),
	}
	var span span
	var path string
	span.flags(cmd)
	cmd.Flags().StringVar(&path, "out", "-", `file to write, which must not be there yet, gzipped where its name ends in .gz; "-" is standard output`)
	at := connects(cmd, env)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		from, to, err := span.ends(env.now())
		if err != nil {
			return usageError{err, cmd.CommandPath()}
		}
		c, err := at.client(cmd.Context())
		if err != nil {
			return err
		}
		if path == "-" {
			return c.Export(cmd.Context(), from, to, cmd.OutOrStdout())
		}
		return toFile(path, func(w io.Writer) error { return c.Export(cmd.Context(), from, to, w) })
	}
	return cmd
}

// toFile has a new file written, gzipped where its name ends in .gz. It has its name once it is whole. What is there stays, and nothing is
// asked of write then: what was recorded may be gone elsewhere by now, and a signed copy of earlier is what a later one is held against.
func toFile(path string, write func(io.Writer) error) (err error) {
	if err := untaken(path); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return advisedError{fmt.Errorf("write %s: %w", path, err), "name a file in a directory that you may write to: --out FILE"}
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err == nil {
			err = untaken(path) // it may have taken minutes
		}
		if err == nil {
			err = os.Rename(f.Name(), path)
		}
		if err != nil {
			_ = os.Remove(f.Name()) // whatever of it is there is not whole
		}
	}()
	if !strings.HasSuffix(path, ".gz") {
		return write(f)
	}
	packed := gzip.NewWriter(f)
	if err := write(packed); err != nil {
		return err
	}
	return packed.Close()
}

// untaken says that nothing of a name is there.
func untaken(path string) error {
	there, err := os.Lstat(path)
	switch {
	case err != nil:
		return nil // who writes finds out what else is wrong
	case !there.Mode().IsRegular():
		return advisedError{fmt.Errorf("write %s: it is no plain file, and would be replaced", path), "name a file: --out FILE"}
	}
	return advisedError{fmt.Errorf("write %s: it is there already, and would be replaced", path), "name another file: --out FILE; or move that one away"}
}
