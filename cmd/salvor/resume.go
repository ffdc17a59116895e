package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/timeline"
	"github.com/salvor-io/salvor/policies"
)

func newResumeCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "resume",
		Short:   "End a pause",
		Long:    "End the pause of exactly the scope that the flags name; without flags that of the whole fleet.",
		Example: "  salvor resume --cluster prod-eu --kind node",
		Args:    usage(cobra.NoArgs),
	}
	var scope policies.Pause
	scoped(cmd, &scope.Cluster, &scope.Kind, &scope.Target)
	at := connects(cmd, env)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := at.client(cmd.Context())
		if err != nil {
			return err
		}
		if err := c.Resume(cmd.Context(), scope); err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "resumed %s\n", timeline.Plain(scope.Scope()))
		return err
	}
	return cmd
}
