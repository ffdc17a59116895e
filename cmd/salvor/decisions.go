package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/client"
)

func newDecisionsCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "decisions",
		Short: "List what policy was asked and what it said, and show one decision in full",
		Long: `List what policy was asked and what it said, the oldest first: about a plan (decision) and before each step of one that runs (gate).
WOULD is what the rules alone would have let be done. Each was stored when it was made and is kept for 400 days, as far as there is room.`,
		Example: `  salvor decisions --since 7d --verdict act
  salvor decisions --incident inc-7k3d
  salvor decisions show inc-7k3d/1f0c2a7b9d3e4f55`,
		Args: usage(noSuchCommand),
	}
	var want client.DecisionFilter
	var since string
	flags := cmd.Flags()
	flags.StringVar(&since, "since", "", "how far back, such as 90m, 24h or 7d (default "+lastDay+", or all about --incident)")
	flags.StringVar(&want.Cluster, "cluster", "", "only about this cluster")
	flags.StringVar(&want.Kind, "kind", "", "only about this kind of fault, such as node")
	flags.StringVar(&want.Incident, "incident", "", "only about this incident")
	flags.StringVar(&want.Verdict, "verdict", "", "only those that came to deny, ask or act")
	flags.StringVar(&want.About, "about", "", "only those about a decision, a gate, or to authorize a person")
	at, out := connects(cmd, env), prints(cmd, "table", "json", "yaml")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if since != "" || want.Incident == "" {
			from, err := ago(env.now(), cmp.Or(since, lastDay))
			if err != nil {
				return usageError{err, cmd.CommandPath()}
			}
			want.From = from
		}
		c, err := at.client(cmd.Context())
		if err != nil {
			return err
		}
		found, err := c.Decisions(cmd.Context(), want)
		if err != nil {
			return err
		}
		tellReach(cmd.ErrOrStderr(), found, want.From)
		return out.print(cmd.OutOrStdout(), found.Decisions, func(w io.Writer) error { return writeDecisions(w, found.Decisions) })
	}
	cmd.AddCommand(newShowDecisionCommand(env))
	return cmd
}

// tellReach says how far back decisions are kept, where more was asked for.
func tellReach(talk io.Writer, found api.Decisions, from time.Time) {
	switch {
	case found.KeptSince.IsZero():
		fmt.Fprintln(talk, "policy was not asked yet")
	case !from.IsZero() && from.Before(found.KeptSince):
		fmt.Fprintf(talk, "the oldest decision that is kept is of %s\n", found.KeptSince.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	if len(found.Decisions) == 0 && !found.KeptSince.IsZero() {
		fmt.Fprintln(talk, "no decisions")
	}
}

func writeDecisions(w io.Writer, list []api.Decision) error {
	if len(list) == 0 {
		return nil
	}
	var rows [][]string
	for _, d := range list {
		row := []string{d.StoredAt.UTC().Format("2006-01-02 15:04:05"), d.Name + d.Ref[strings.LastIndexByte(d.Ref, '/'):]}
		if d.Unread != "" {
			rows = append(rows, append(row, "", "", "", "", "", "", "", "it cannot be read: "+d.Unread))
			continue
		}
		rows = append(rows, append(row, d.Cluster, d.Anchor, string(d.About), planOf(d), d.Verdict.String(), d.Would.String(), d.Revision, why(d)))
	}
	return table(w, []string{"TIME (UTC)", "DECISION", "CLUSTER", "WHAT", "ABOUT", "PLAN", "VERDICT", "WOULD", "REVISION", "WHY"}, rows)
}

func planOf(d api.Decision) string {
	switch {
	case d.Runbook == "":
		return "none"
	case d.Phase == "undo":
		return "take back " + d.Runbook
	}
	return d.Runbook
}

// why is all that held an answer back, or else the first of why rules answer so.
func why(d api.Decision) string {
	var held []string
	for _, reason := range d.Held {
		held = append(held, reason.Text)
	}
	if len(held) == 0 && len(d.Reasons) > 0 {
		return d.Reasons[0].Text
	}
	return strings.Join(held, "; ")
}
