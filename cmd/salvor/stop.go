package main

import (
	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/api"
)

func newStopCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "stop INCIDENT",
		Short: "Stop the plan that is worked on, and have what it did taken back if you want",
		Long: `Stop the plan that is worked on, or that was approved of and is not begun. A step that is being done is not gone on with. What was done stays,
or with --undo is taken back now, though the fault may still stand. Either way a person goes on: the plan is not begun again by itself, and
what was done and is to stay is not taken back when the fault is gone. After a stop, salvor stop --undo still takes it back.
Without --plan the plan that is worked on now is meant. It is printed before it is stopped.

Exit codes: 4 you may not, 6 nothing is worked on or it is stopped already, 7 another plan is worked on by now.`,
		Example: "  salvor stop inc-7k3d --reason \"the zone is coming back\"\n  salvor stop inc-7k3d --undo",
		Args:    usage(cobra.ExactArgs(1)),
	}
	var halt api.StopRequest
	cmd.Flags().StringVar(&halt.Plan, "plan", "", "the plan that you see at work, as `ID`")
	cmd.Flags().BoolVar(&halt.Undo, "undo", false, "take back what was done")
	cmd.Flags().StringVar(&halt.Reason, "reason", "", "why, as `TEXT` for whoever reads the incident")
	at := connects(cmd, env)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := at.client(cmd.Context())
		if err != nil {
			return err
		}
		if halt.Plan == "" {
			if halt.Plan, err = plannedNow(cmd.Context(), cmd.ErrOrStderr(), c, args[0]); err != nil {
				return err
			}
		}
		became, err := c.Stop(cmd.Context(), args[0], halt)
		if err != nil {
			return err
		}
		return writeSaid(cmd.OutOrStdout(), became)
	}
	return cmd
}
