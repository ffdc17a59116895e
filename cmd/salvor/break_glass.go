package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/incident"
)

func newBreakGlassCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "break-glass INCIDENT",
		Short: "Have a plan run though there is no policy that could be asked",
		Long: fmt.Sprintf(`Have the plan that is held back for want of any policy run once. Two different people that salvor.yaml names under break_glass have to say so
within %.0f minutes. It is refused while policy works. Only the answer of policy is set aside: mode, pauses, limits, locks, guards and the
proof that a machine is off hold on. SalvorBreakGlass is raised while the plan runs and for 30 minutes after.

Exit codes: 4 you may not, 6 policy works, nothing is held back, or it is said already, 7 another plan is held back by now.`, incident.BreakWithin.Minutes()),
		Example: `  salvor break-glass inc-7k3d --plan 4f2a91 --reason "the bundle server burnt with the zone"`,
		Args:    usage(cobra.ExactArgs(1)),
	}
	var said api.BreakRequest
	cmd.Flags().StringVar(&said.Plan, "plan", "", "the plan that you were shown, as `ID`")
	cmd.Flags().StringVar(&said.Reason, "reason", "", "why, as `TEXT` of at least 20 characters")
	at := connects(cmd, env)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if said.Plan == "" || said.Reason == "" {
			return usageError{fmt.Errorf("without policy a plan runs only by its name and with a reason: --plan and --reason"), cmd.CommandPath()}
		}
		c, err := at.client(cmd.Context())
		if err != nil {
			return err
		}
		became, err := c.BreakGlass(cmd.Context(), args[0], said)
		if err != nil {
			return err
		}
		return writeSaid(cmd.OutOrStdout(), became)
	}
	return cmd
}
