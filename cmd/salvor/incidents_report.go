package main

import (
	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/timeline"
)

func newReportCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "report INCIDENT",
		Short:   "Write the report of an incident as Markdown, for the post-mortem",
		Args:    usage(cobra.ExactArgs(1)),
		Example: "  salvor incidents report inc-7k3d > inc-7k3d.md",
	}
	at := connects(cmd, env)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := at.client(cmd.Context())
		if err != nil {
			return err
		}
		found, err := c.Incident(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return tell(cmd.OutOrStdout(), env, found, timeline.Report)
	}
	return cmd
}
