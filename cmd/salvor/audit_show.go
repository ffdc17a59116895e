package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/audit"
	"github.com/salvor-io/salvor/internal/chronicle"
	"github.com/salvor-io/salvor/internal/rollout"
)

// trails are the names of all trails that there are.
func trails() []string {
	return []string{chronicle.ConfigTrail, chronicle.PausesTrail, rollout.TrailName}
}

func newTrailsCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show what was changed about Salvor itself: configuration, modes, people, pauses, policy",
		Long: `Show what was changed about Salvor itself, and by whom, the oldest first. Configuration, modes and people are compared at each start of a
replica with what was recorded last; in the place of secrets are digests, which tell only that one has changed. Exit code 1 where the
entries do not fit together: salvor audit verify says how.`,
		Example: `  salvor audit show --since 7d
  salvor audit show --trail pauses -o json`,
		Args: usage(cobra.NoArgs),
	}
	var since, trail string
	cmd.Flags().StringVar(&since, "since", "30d", "how far back, such as 24h or 7d")
	cmd.Flags().StringVar(&trail, "trail", "", "only this trail: "+strings.Join(trails(), ", "))
	at, out := connects(cmd, env), prints(cmd, "table", "json", "yaml")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if trail != "" && !slices.Contains(trails(), trail) {
			return usageError{fmt.Errorf("no trail is named %q; there are %s", trail, strings.Join(trails(), ", ")), cmd.CommandPath()}
		}
		from, err := ago(env.now(), since)
		if err != nil {
			return usageError{err, cmd.CommandPath()}
		}
		c, err := at.client(cmd.Context())
		if err != nil {
			return err
		}
		var entries []audit.Entry
		var report audit.Report
		err = c.Trails(cmd.Context(), func(r io.Reader) (err error) { entries, report, err = audit.NewCheck(nil).Entries(r); return err })
		if err != nil {
			return err
		}
		entries = slices.DeleteFunc(entries, func(e audit.Entry) bool { return e.StoredAt.Before(from) || trail != "" && e.Trail != trail })
		slices.SortStableFunc(entries, func(a, b audit.Entry) int { return a.StoredAt.Compare(b.StoredAt) })
		tellTrails(cmd.ErrOrStderr(), entries, report, from)
		return concludeAudit(report, out.print(cmd.OutOrStdout(), entries, func(w io.Writer) error { return writeEntries(w, entries) }))
	}
	return cmd
}

func tellTrails(talk io.Writer, entries []audit.Entry, report audit.Report, from time.Time) {
	if !report.Whole() {
		fmt.Fprintln(talk, "warning: the entries do not fit together, see how: salvor audit verify")
	}
	if len(entries) == 0 {
		fmt.Fprintf(talk, "nothing was changed since %s\n", from.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
}

func writeEntries(w io.Writer, entries []audit.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	var rows [][]string
	for _, e := range entries {
		rows = append(rows, []string{e.StoredAt.UTC().Format("2006-01-02 15:04:05"), e.Trail, e.Kind, e.Who, e.Text})
	}
	return table(w, []string{"TIME (UTC)", "TRAIL", "KIND", "BY", "WHAT"}, rows)
}
