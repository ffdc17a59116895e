package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/timeline"
)

func newPolicyActivateCommand(env environment) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "activate REVISION",
		Short: "Bring into force the policy that is held, as another person than its author",
		Long: `Bring REVISION into force for the whole fleet. It is held since it lets Salvor do more than the policy in force: salvor policy status
says what. Who wrote or signed it cannot activate it. Takes the role admin.`,
		Example: `  salvor policy activate 3f1c9a2b7d40 --reason "read it with alice"`,
		Args:    usage(cobra.ExactArgs(1)),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	at, out := connects(cmd, env), prints(cmd, "table", "json", "yaml")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := at.client(cmd.Context())
		if err != nil {
			return err
		}
		standing, err := c.ActivatePolicy(cmd.Context(), api.ActivateRequest{Revision: args[0], Reason: reason})
		if err != nil {
			return err
		}
		return out.print(cmd.OutOrStdout(), standing, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "policy %s of %s is in force\n", standing.Revision, timeline.Plain(standing.Source))
			return err
		})
	}
	return cmd
}
