package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/client"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/timeline"
)

func newApproveCommand(env environment) *cobra.Command {
	return says(env, incident.Approve, "Let the plan run that you are asked about", `Approve of the plan that people are asked about. A plan that does less at the same steps may run, too; one that does more is asked
about again.
Without --plan the plan that is asked about now is meant. It is printed before you are taken at your word: look at it with salvor plan first.`)
}

func newRejectCommand(env environment) *cobra.Command {
	return says(env, incident.Reject, "Refuse the plan that you are asked about", `Refuse the plan that people are asked about. It is not done, and not asked about again unless it gets worse: a person goes on.`)
}

func newHoldCommand(env environment) *cobra.Command {
	return says(env, incident.Hold, "Say that you are on it", fmt.Sprintf(`Say that you are on it. People have %.0f minutes longer to decide, and nobody else is asked meanwhile. It can be said once.`, incident.HoldFor.Minutes()))
}

// says makes the command that says something about what is asked.
func says(env environment, voice incident.Voice, does, long string) *cobra.Command {
	cmd := &cobra.Command{
		Use:     string(voice) + " INCIDENT",
		Short:   does,
		Long:    long + "\n\nExit codes: 4 you may not, 6 nobody is asked or it is decided, 7 another plan is asked about by now.",
		Example: "  salvor " + string(voice) + " inc-7k3d --plan 4f2a91",
		Args:    usage(cobra.ExactArgs(1)),
	}
	said := api.SayRequest{Says: voice}
	cmd.Flags().StringVar(&said.Plan, "plan", "", "the plan that you were shown, as `ID`")
	cmd.Flags().StringVar(&said.Reason, "reason", "", "why, as `TEXT` for whoever reads the incident")
	at := connects(cmd, env)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if voice == incident.Reject && said.Reason == "" {
			return usageError{fmt.Errorf("a rejection needs --reason, for whoever goes on"), cmd.CommandPath()}
		}
		c, err := at.client(cmd.Context())
		if err != nil {
			return err
		}
		if said.Plan == "" {
			if said.Plan, err = plannedNow(cmd.Context(), cmd.ErrOrStderr(), c, args[0]); err != nil {
				return err
			}
		}
		became, err := c.Say(cmd.Context(), args[0], said)
		if err != nil {
			return err
		}
		return writeSaid(cmd.OutOrStdout(), became)
	}
	return cmd
}

// plannedNow is the plan of an incident as it stands now, which is told.
func plannedNow(ctx context.Context, w io.Writer, c *client.Client, name string) (string, error) {
	p, err := c.Plan(ctx, name)
	if err != nil {
		return "", err
	}
	_, err = fmt.Fprintf(w, "plan %s of %s: %s, %s\n", p.Plan.ShortDigest(), p.Name, timeline.Plain(p.Plan.Runbook), p.Plan.Class())
	for _, step := range p.Plan.Steps {
		for _, will := range step.Change.Will {
			fmt.Fprintf(w, "  %s\n", timeline.Plain(will))
		}
	}
	return p.Plan.Digest, err
}

func writeSaid(w io.Writer, became api.SaidAnswer) error {
	text := fmt.Sprintf("%s: %s", became.Name, timeline.Plain(became.Why))
	if a := became.Approval; a != nil {
		text += fmt.Sprintf("; %d more to approve, of %s, until %s UTC", a.Lacks, timeline.Plain(a.Whom), a.Until.UTC().Format("15:04:05"))
	}
	_, err := fmt.Fprintln(w, text)
	return err
}
