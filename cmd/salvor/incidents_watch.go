package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/timeline"
)

func newWatchCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Print what happens to incidents as it happens, until interrupted",
		Args:  usage(cobra.NoArgs),
	}
	at, out := connects(cmd, env), prints(cmd, "line", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := at.client(cmd.Context())
		if err != nil {
			return err
		}
		var lines timeline.Lines
		each := func(m api.Moved) error {
			if out.form == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(m)
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), lines.Line(m.Cluster, m.Anchor, m.Record.Sequenced()))
			return err
		}
		return c.Watch(cmd.Context(), each, func(err error) {
			fmt.Fprintf(cmd.ErrOrStderr(), "%v; connecting again\n", err)
		})
	}
	return cmd
}
