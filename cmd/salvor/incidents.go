package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/client"
	"github.com/salvor-io/salvor/internal/incident"
)

func newIncidentsCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "incidents",
		Short: "List incidents, and show, watch or report them",
		Args:  usage(noSuchCommand),
		Example: `  salvor incidents --cluster prod-eu
  salvor incidents --would --since 30d
  salvor incidents show inc-7k3d`,
	}
	var want client.Filter
	var would wouldFlags
	flags := cmd.Flags()
	flags.StringVar(&want.Cluster, "cluster", "", "only incidents of this cluster")
	flags.StringVar(&want.State, "state", "", "only incidents in this state")
	flags.BoolVar(&want.All, "all", false, "incidents that have ended, too, until they are archived (times.archive_after)")
	would.add(cmd)
	at, out := connects(cmd, env), prints(cmd, "table", "json", "yaml")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := would.check(cmd); err != nil {
			return err
		}
		c, err := at.client(cmd.Context())
		if err != nil {
			return err
		}
		if would.on {
			return would.list(cmd, c, want.Cluster, env.now(), out)
		}
		list, err := c.Incidents(cmd.Context(), want)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			fmt.Fprintln(cmd.ErrOrStderr(), "no incidents")
		}
		return out.print(cmd.OutOrStdout(), list, func(w io.Writer) error { return writeIncidents(w, list) })
	}
	cmd.AddCommand(newShowCommand(env), newWatchCommand(env), newReportCommand(env))
	return cmd
}

func writeIncidents(w io.Writer, list []api.Summary) error {
	if len(list) == 0 {
		return nil
	}
	var rows [][]string
	for _, s := range list {
		rows = append(rows, []string{s.Name, s.Cluster, s.Anchor, stateOf(s), s.Since.UTC().Format("2006-01-02 15:04:05"), s.Why})
	}
	return table(w, []string{"NAME", "CLUSTER", "WHAT", "STATE", "SINCE (UTC)", "WHY"}, rows)
}

// stateOf is the state in the words of people, with how far a plan in force has come.
func stateOf(s api.Summary) string {
	text := strings.ReplaceAll(string(s.State), "_", " ")
	switch {
	case s.State == incident.Acting || s.State == incident.Restoring:
		return fmt.Sprintf("%s %d/%d", text, min(s.Step+1, s.Steps), s.Steps)
	case s.State == incident.HandedOver && s.Outcome == "partly":
		return "partly recovered"
	}
	return text
}
