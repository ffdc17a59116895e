package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/api"
)

// version is set by -ldflags "-X main.version=v1.2.3" for a release; otherwise the build says what it knows.
var version string

// buildVersion says which Salvor this is.
func buildVersion() api.Version {
	out := api.Version{Version: version, Commit: "unknown", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return out
	}
	if out.Version == "" {
		out.Version = info.Main.Version
	}
	dirty := ""
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			out.Commit = setting.Value
		case setting.Key == "vcs.modified" && setting.Value == "true":
			dirty = " with changes"
		}
	}
	out.Commit += dirty
	return out
}

func newVersionCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "version", Short: "Say which Salvor this is", Args: usage(cobra.NoArgs)}
	out := prints(cmd, "table", "json", "yaml")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		v := buildVersion()
		return out.print(cmd.OutOrStdout(), v, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "salvor %s (commit %s, %s)\n", v.Version, v.Commit, v.Go)
			return err
		})
	}
	return cmd
}
