package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/client"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
)

// wouldFlags ask for what was held back, instead of for incidents.
type wouldFlags struct {
	on    bool
	since string
}

func (f *wouldFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.on, "would", false, "what would have been done in a higher mode, or without what held it back")
	cmd.Flags().StringVar(&f.since, "since", "7d", "with --would: how far back, such as 90m, 24h or 7d")
}

// list prints what was held back.
func (f *wouldFlags) list(cmd *cobra.Command, c *client.Client, cluster string, now time.Time, out *output) error {
	from, err := ago(now, f.since)
	if err != nil {
		return usageError{err, cmd.CommandPath()}
	}
	list, err := c.Would(cmd.Context(), from, cluster)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), "nothing was held back")
	}
	return out.print(cmd.OutOrStdout(), list, func(w io.Writer) error { return writeWould(w, list) })
}

// check refuses flags that would be passed over.
func (f *wouldFlags) check(cmd *cobra.Command) error {
	changed := cmd.Flags().Changed
	switch {
	case changed("since") && !f.on:
		return usageError{errors.New("--since goes with --would"), cmd.CommandPath()}
	case f.on && (changed("state") || changed("all")):
		return usageError{errors.New("--would lists answers of policy, whatever became of the incident: leave out --state and --all"), cmd.CommandPath()}
	}
	return nil
}

func writeWould(w io.Writer, list []api.Would) error {
	if len(list) == 0 {
		return nil
	}
	var rows [][]string
	for _, x := range list {
		rows = append(rows, []string{x.At.UTC().Format("2006-01-02 15:04:05"), x.Name, x.Cluster, x.Anchor, wouldHave(x), heldBy(x)})
	}
	return table(w, []string{"TIME (UTC)", "NAME", "CLUSTER", "WHAT", "WOULD HAVE", "HELD BACK BY"}, rows)
}

func heldBy(x api.Would) string {
	var texts []string
	for _, r := range x.Held {
		texts = append(texts, r.Text)
	}
	return strings.Join(texts, "; ")
}

// wouldHave says what would have been done, and to what.
func wouldHave(x api.Would) string {
	const most = 3
	var names []string
	for _, t := range x.Targets[:min(most, len(x.Targets))] {
		names = append(names, t.String())
	}
	if more := len(x.Targets) - most; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	verb := "run"
	if x.Would == policies.Ask {
		verb = "ask to run"
	}
	if x.Phase == incident.PhaseUndo {
		verb = strings.Replace(verb, "run", "take back", 1)
	}
	return verb + " " + x.Runbook + " on " + strings.Join(names, ", ")
}
