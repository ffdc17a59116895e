package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/timeline"
)

func newRunCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run RUNBOOK",
		Short: "Have a runbook run on something, as far as policy and people let it",
		Long: `Have a runbook run on a node, a zone, or whatever it recovers. An incident is opened as by salvor declare, and its plan is by that runbook alone.
What may be done is decided as for any other: the same policy, the same brakes, the same people who are asked. You do not approve of
what you want to run. See the plan with salvor plan before it is approved.

The one argument says what it runs on, and depends on what the runbook recovers: node, zone, region (which may be left out), namespace, workload
or object. It names one that there is. What it did stays until --for is over or it is taken back with salvor declare --end; then it is undone
as after any recovery.`,
		Example: "  salvor run node-displace --cluster prod-eu --with node=worker-7 --reason \"its disk is about to fail\" --for 2h",
		Args:    usage(cobra.ExactArgs(1)),
	}
	var run api.RunRequest
	var length time.Duration
	flags := cmd.Flags()
	flags.StringVar(&run.Cluster, "cluster", "", "the cluster (required)")
	flags.StringToStringVar(&run.With, "with", nil, "what it runs on, as `ARGUMENT=NAME`")
	flags.StringVar(&run.Reason, "reason", "", "why, for whoever is asked and the next person who looks (required)")
	flags.DurationVar(&length, "for", 4*time.Hour, "how long what it did stays unless it is taken back, at most 24h")
	at, out := connects(cmd, env), prints(cmd, "table", "json", "yaml")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if run.Cluster == "" || run.Reason == "" {
			return usageError{errors.New("say in which cluster and why: --cluster and --reason"), cmd.CommandPath()}
		}
		run.Runbook, run.For = args[0], length.String()
		c, err := at.client(cmd.Context())
		if err != nil {
			return err
		}
		set, err := c.Run(cmd.Context(), run)
		if err != nil {
			return err
		}
		return out.print(cmd.OutOrStdout(), set, func(w io.Writer) error { return writeRun(w, cmd.ErrOrStderr(), set) })
	}
	return cmd
}

func writeRun(w, talk io.Writer, d api.Declaration) error {
	what := timeline.Plain(fmt.Sprintf("%s is to run on %s/%s of %s", d.Runbook, d.Anchor, d.Name, d.Cluster))
	if _, err := fmt.Fprintf(w, "%s, and stays until %s\n", what, d.Until.UTC().Format("2006-01-02 15:04:05 UTC")); err != nil {
		return err
	}
	_, err := fmt.Fprintf(talk, "next: see what comes of it: salvor incidents; take it back with: %s\n", timeline.TakeBack(d.Cluster, d.Declared))
	return err
}
