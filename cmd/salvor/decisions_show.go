package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
)

func newShowDecisionCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show DECISION",
		Short: "Show what policy was asked and what it said, in full",
		Long: `Show one decision in full, as it was stored: the question, which is what rules read as input, and the answer. DECISION is what
salvor decisions calls it, or the ref of a record.`,
		Args: usage(cobra.ExactArgs(1)),
	}
	at, out := connects(cmd, env), prints(cmd, "json", "yaml")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		incident, name, whole := strings.Cut(args[0], "/")
		if !whole || incident == "" || name == "" {
			return usageError{errors.New("a decision is named by its incident and itself, such as inc-7k3d/1f0c2a7b9d3e4f55"), cmd.CommandPath()}
		}
		c, err := at.client(cmd.Context())
		if err != nil {
			return err
		}
		found, err := c.Decision(cmd.Context(), incident, name)
		if err != nil {
			return err
		}
		return out.print(cmd.OutOrStdout(), found, nil)
	}
	return cmd
}
