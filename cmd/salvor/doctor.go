package main

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/doctor"
	"github.com/salvor-io/salvor/internal/timeline"
)

// alertWaits is how long a test alert may be on its way: Alertmanager holds a new group back for 30 s by default.
const alertWaits = time.Minute

func newDoctorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Try all that salvor.yaml names, and say what is wrong before an incident does",
		Long: `Try the configuration, the store, each cluster with its credentials, who else repairs its nodes, its power switch, the bundle of
policy, and the Alertmanagers. Each line says ok, warning or problem, what was found, and what to do. The exit code is 1 when there is a problem.

Nothing is changed, but for one event that nothing reads and a test alert at each Alertmanager, which is ended as soon as it
arrived here: ` + doctor.TestAlert + `, severity none. Whoever your routes send that to hears of it; --test-alert=false
leaves it out. A power switch is asked for the state of one node, never to turn it off; a bundle of policy is fetched and tried, and
offered to nobody.

Rights that you left out by salvor print rbac --without are not asked for when the same names are given here.

Run it as the user that salvor runs as, on its machine, while the server runs: then the way of an alert is tried to its end.`,
		Args: usage(cobra.NoArgs),
	}
	opt := doctor.Options{AlertWaits: alertWaits, Log: slog.New(slog.DiscardHandler)}
	cmd.Flags().StringVar(&opt.Config, "config", defaultConfig, "the configuration")
	cmd.Flags().BoolVar(&opt.TestAlert, "test-alert", true, "raise a test alert at each Alertmanager and see it arrive")
	leavesOut(cmd, &opt.Without)
	out := prints(cmd, "table", "json", "yaml")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if _, err := catalogWithout(cmd, opt.Without); err != nil {
			return err
		}
		opt.Version = buildVersion().Version
		report := doctor.Examine(cmd.Context(), opt)
		err := out.print(cmd.OutOrStdout(), report, func(w io.Writer) error { return writeReport(w, report) })
		if err == nil && report.Problems > 0 {
			err = silentError{fmt.Errorf("find %d problems", report.Problems)}
		}
		return err
	}
	return cmd
}

// writeReport writes the findings below the parts they are about. What is in them is harmless to a terminal.
func writeReport(w io.Writer, report doctor.Report) error {
	part := ""
	for _, f := range report.Findings {
		if f.Part != part {
			part = f.Part
			if _, err := fmt.Fprintln(w, timeline.Plain(part)); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintf(w, "  %-8s %s: %s\n", f.State, f.Check, timeline.Plain(f.Found)); err != nil {
			return err
		}
		if f.Do == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "  %-8s -> %s\n", "", timeline.Plain(f.Do)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d ok, %d warnings, %d problems\n", report.OK, report.Warnings, report.Problems)
	return err
}
