package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/rollout"
	"github.com/salvor-io/salvor/internal/timeline"
)

func newPolicyStatusCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show which policy is in force, which one is held or refused and why, and what shadows say",
		Args:  usage(cobra.NoArgs),
	}
	at, out := connects(cmd, env), prints(cmd, "table", "json", "yaml")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := at.client(cmd.Context())
		if err != nil {
			return err
		}
		status, err := c.Policy(cmd.Context())
		if err != nil {
			return err
		}
		if held := status.Held; held != nil {
			fmt.Fprintln(cmd.ErrOrStderr(), "next: "+whatHeldNeeds(*held))
		}
		return out.print(cmd.OutOrStdout(), status, func(w io.Writer) error { return writePolicy(w, status) })
	}
	return cmd
}

func whatHeldNeeds(held rollout.Standing) string {
	if held.Author == "" {
		return "sign it, or change a file of it: who wrote it is not known, so nobody may activate it"
	}
	return fmt.Sprintf("have another person than %s look at it: salvor policy activate %s", timeline.Plain(held.Author), held.Revision)
}

func writePolicy(w io.Writer, s rollout.Status) error {
	rows := [][]string{}
	if s.InForce != nil {
		rows = append(rows, standingRow("in force", *s.InForce))
	}
	if s.Held != nil {
		rows = append(rows, standingRow("held", *s.Held))
	}
	if s.Refused != nil {
		rows = append(rows, []string{"refused", s.Refused.Revision, s.Refused.Author, s.Refused.At.UTC().Format(time.DateTime), s.Refused.Replica, s.Refused.Source})
	}
	for _, shadow := range s.Shadows {
		rows = append(rows, []string{"shadow", shadow.Revision, "", "", "", shadow.Name})
	}
	if err := table(w, []string{"POLICY", "REVISION", "AUTHOR", "SINCE (UTC)", "BY", "SOURCE"}, rows); err != nil {
		return err
	}
	return writeFindings(w, s)
}

func standingRow(what string, s rollout.Standing) []string {
	return []string{what, s.Revision, s.Author, s.Since.UTC().Format(time.DateTime), s.By, s.Source}
}

// writeFindings says what is behind the rows.
func writeFindings(w io.Writer, s rollout.Status) error {
	say := lines{w: w}
	if s.Serving.Why != "" {
		say.line("\n%s: %s", s.Serving.Replica, s.Serving.Why)
	} else if s.InForce != nil && s.Serving.Revision != s.InForce.Revision {
		say.line("\n%s still decides by %s", s.Serving.Replica, s.Serving.Revision)
	}
	if slow := s.Serving.Slow; slow != nil {
		say.line("\n%s: %s takes too long, and so denies: last at %s, asked about %s", s.Serving.Replica, slow.Rule, slow.Now.UTC().Format(time.DateTime), slow.About)
	}
	if s.Held != nil && s.Held.Report != nil {
		say.line("\nheld, since it would decide so: %s", s.Held.Report)
		say.differences(s.Held.Report.Differ)
	}
	if s.Refused != nil {
		say.line("\nrefused:")
		for _, problem := range s.Refused.Problems {
			say.line("  %s", problem)
		}
	}
	for _, shadow := range s.Shadows {
		say.line("\nshadow %s: %s", shadow.Name, cmp.Or(shadow.Problem, shadow.Seen.String()))
		say.differences(shadow.Last)
	}
	return say.err
}

// lines writes lines until one fails. What is in them is harmless to a terminal.
type lines struct {
	w   io.Writer
	err error
}

func (l *lines) line(format string, args ...any) {
	for i, arg := range args {
		args[i] = timeline.Plain(fmt.Sprint(arg))
	}
	if l.err == nil {
		_, l.err = fmt.Fprintf(l.w, format+"\n", args...)
	}
}

func (l *lines) differences(list []rollout.Difference) {
	for _, d := range list {
		name := ""
		if d.Incident != "" {
			name = incident.ID(d.Incident).Name()
		}
		l.line("  %s  %s  %s", d.Change, strings.TrimSpace(name+" "+d.Cluster), d.About)
		l.line("      was  %s", d.Was)
		l.line("      is   %s", d.Is)
	}
}
