package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/timeline"
	"github.com/salvor-io/salvor/responders"
)

func newApprovalsCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "approvals",
		Short: "List what people are asked now, the most urgent first",
		Args:  usage(cobra.NoArgs),
	}
	at, out := connects(cmd, env), prints(cmd, "table", "json", "yaml")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := at.client(cmd.Context())
		if err != nil {
			return err
		}
		list, err := c.Approvals(cmd.Context())
		if err != nil {
			return err
		}
		if len(list) == 0 {
			fmt.Fprintln(cmd.ErrOrStderr(), "nobody is asked anything")
		}
		return out.print(cmd.OutOrStdout(), list, func(w io.Writer) error { return writeApprovals(w, list, env.now()) })
	}
	return cmd
}

func writeApprovals(w io.Writer, list []api.Approval, now time.Time) error {
	if len(list) == 0 {
		return nil
	}
	var rows [][]string
	for _, a := range list {
		left := "over"
		if d := a.Until.Sub(now); d > 0 {
			left = d.Round(time.Second).String()
		}
		rows = append(rows, []string{a.Name, a.Cluster, timeline.Plain(a.Sentence), a.Proposal.Runbook + " " + responders.Plan{Digest: a.Plan}.ShortDigest(), a.Proposal.Class.String(), timeline.Plain(a.Whom),
			fmt.Sprint(a.Lacks), left, yesNo(a.YouMay)})
	}
	return table(w, []string{"INCIDENT", "CLUSTER", "WHAT IS BROKEN", "PLAN", "CLASS", "WHO IS ASKED", "MISSING", "TIME LEFT", "YOU MAY"}, rows)
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
