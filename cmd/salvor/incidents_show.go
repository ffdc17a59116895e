package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/client"
	"github.com/salvor-io/salvor/internal/timeline"
)

func newShowCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show INCIDENT",
		Short: "Show what happened, why, and why not",
		Long: "Show the timeline of an incident: what was seen and which events say so, which rules did not match and by how much, what policy said and what was done. " +
			"INCIDENT is its short name, its id, or the beginning of one. Times are UTC.",
		Args: usage(cobra.ExactArgs(1)),
	}
	at, out := connects(cmd, env), prints(cmd, "table", "json", "yaml")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := at.client(cmd.Context())
		if err != nil {
			return err
		}
		found, err := c.Incident(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return out.print(cmd.OutOrStdout(), found, func(w io.Writer) error { return tell(w, env, found, timeline.Show) })
	}
	return cmd
}

// tell renders an incident.
func tell(w io.Writer, env environment, found api.Incident, render func(timeline.Case) string) error {
	inc, asked, err := client.Fold(found)
	if err != nil {
		return advisedError{err, "use the salvor of the server's version, or see it unfolded: salvor incidents show " + found.Name + " -o json"}
	}
	_, err = fmt.Fprint(w, render(timeline.Case{Incident: inc, Asked: asked, Seen: found.Seen, Misses: found.Misses, Now: env.now()}))
	return err
}
