package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/timeline"
)

func newPlanCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan INCIDENT",
		Short: "Show the plan of an incident: what it will do, to what, and what a person would type instead",
		Long:  "Show the plan that is in force for an incident, or else the one that was decided about last. Nothing is changed.",
		Args:  usage(cobra.ExactArgs(1)),
	}
	at, out := connects(cmd, env), prints(cmd, "table", "json", "yaml")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := at.client(cmd.Context())
		if err != nil {
			return err
		}
		p, err := c.Plan(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return out.print(cmd.OutOrStdout(), p, func(w io.Writer) error {
			_, err := fmt.Fprint(w, timeline.Plan(timeline.Planned{Incident: p.Name, Anchor: p.Anchor, Cluster: p.Cluster, Phase: p.Phase,
				InForce: p.InForce, Done: p.Done, Plan: p.Plan, Answer: p.Answer}))
			return err
		})
	}
	return cmd
}
