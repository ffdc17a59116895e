package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/policies"
)

func newPausesCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "pauses",
		Short: "List the pauses in force",
		Args:  usage(cobra.NoArgs),
	}
	at, out := connects(cmd, env), prints(cmd, "table", "json", "yaml")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := at.client(cmd.Context())
		if err != nil {
			return err
		}
		list, err := c.Pauses(cmd.Context())
		if err != nil {
			return err
		}
		if len(list) == 0 {
			fmt.Fprintln(cmd.ErrOrStderr(), "nothing is paused")
		}
		return out.print(cmd.OutOrStdout(), list, func(w io.Writer) error { return writePauses(w, list) })
	}
	return cmd
}

func writePauses(w io.Writer, list []policies.Pause) error {
	if len(list) == 0 {
		return nil
	}
	const layout = "2006-01-02 15:04:05"
	var rows [][]string
	for _, p := range list {
		rows = append(rows, []string{p.Scope(), p.Owner, p.Since.UTC().Format(layout), p.Until.UTC().Format(layout), p.Reason})
	}
	return table(w, []string{"SCOPE", "BY", "SINCE (UTC)", "UNTIL (UTC)", "REASON"}, rows)
}
