package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/timeline"
	"github.com/salvor-io/salvor/policies"
)

func newPauseCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "pause",
		Short: "Keep Salvor from starting anything, for a while",
		Long: `Keep Salvor from starting anything within a scope: the whole fleet, or what all the flags given have in common. A pause takes
effect within a second, survives restarts, and ends by itself. Steps that have begun end; the next one waits.`,
		Example: `  salvor pause --for 2h --reason "network maintenance"
  salvor pause --cluster prod-eu --kind node --for 30m --reason "kernel upgrade, alice"
  salvor pause --target node/worker-7 --for 1h --reason "looking at its disk"`,
		Args: usage(cobra.NoArgs),
	}
	var p api.PauseRequest
	var length time.Duration
	scoped(cmd, &p.Cluster, &p.Kind, &p.Target)
	cmd.Flags().DurationVar(&length, "for", time.Hour, "how long")
	cmd.Flags().StringVar(&p.Reason, "reason", "", "why, for the next person who looks (required)")
	at, out := connects(cmd, env), prints(cmd, "table", "json", "yaml")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if p.Reason == "" {
			return usageError{errors.New("a pause needs a --reason: the next person has to know why"), cmd.CommandPath()}
		}
		p.For = length.String()
		c, err := at.client(cmd.Context())
		if err != nil {
			return err
		}
		set, err := c.Pause(cmd.Context(), p)
		if err != nil {
			return err
		}
		return out.print(cmd.OutOrStdout(), set, func(w io.Writer) error { return writePaused(w, cmd.ErrOrStderr(), set) })
	}
	return cmd
}

// scoped adds the flags that name the scope of a pause.
func scoped(cmd *cobra.Command, cluster, kind, target *string) {
	cmd.Flags().StringVar(cluster, "cluster", "", "a cluster (default all)")
	cmd.Flags().StringVar(kind, "kind", "", "a kind of fault, such as node (default all)")
	cmd.Flags().StringVar(target, "target", "", "a target, such as node/worker-7 (default all)")
}

func writePaused(w, talk io.Writer, p policies.Pause) error {
	if _, err := fmt.Fprintf(w, "paused %s until %s\n", timeline.Plain(p.Scope()), p.Until.UTC().Format("2006-01-02 15:04:05 UTC")); err != nil {
		return err
	}
	_, err := fmt.Fprintf(talk, "next: end it earlier with: %s\n", timeline.Resume(p))
	return err
}
