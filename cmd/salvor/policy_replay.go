package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/authoring"
	"github.com/salvor-io/salvor/internal/client"
)

func newPolicyReplayCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Ask a candidate about all that policy was asked lately, and see what it would change",
		Long: `Ask the rules of --candidate, beside the shipped ones, about every question that a running Salvor has put to policy lately, and compare each
answer with the one that was given then: "412 the same, 2 act to ask, 1 ask to ACT". Each that differs is told with both reasons. Mode, class,
brakes and what is unknown count as they did then.

--export takes the questions from a file that salvor export wrote. What a question of an older version lacks, and the candidate reads, is
not replayable, and is counted.

Exit code 1 says that something moves toward more automation (unless --allow-looser is given), that the candidate owes an answer, or that
nothing could be compared.`,
		Example: `  salvor policy replay --since 30d --candidate next
  salvor policy replay --export month.gz --candidate next --allow-looser`,
		Args: usage(cobra.NoArgs),
	}
	r := candidacy{cmd: cmd, env: env}
	cmd.Flags().StringVar(&r.dir, "candidate", "", "the directory of policy to ask (required)")
	cmd.Flags().StringVar(&r.since, "since", "30d", "how far back, such as 24h or 30d")
	cmd.Flags().StringVar(&r.export, "export", "", "a file of salvor export instead of a running Salvor")
	cmd.Flags().BoolVar(&r.allowed, "allow-looser", false, "exit with 0 also when something moves toward more automation")
	r.at, r.out = connects(cmd, env), prints(cmd, "table", "json", "yaml")
	cmd.RunE = func(*cobra.Command, []string) error { return r.run() }
	return cmd
}

// replayGarbage is how much memory may be garbage, in percent of what is in use: little is held at a time, and 100,000 decisions make much.
const replayGarbage = 400

// candidacy is one call of the command.
type candidacy struct {
	cmd                *cobra.Command
	env                environment
	dir, since, export string
	allowed            bool
	at                 *connection
	out                *output
}

func (r candidacy) run() error {
	if r.dir == "" {
		return usageError{errors.New("no --candidate is named"), r.cmd.CommandPath()}
	}
	rules, err := rulesOf(r.cmd, r.dir)
	if err != nil {
		return err
	}
	debug.SetGCPercent(replayGarbage)
	tally, ctx := authoring.NewTally(), r.cmd.Context()
	if err := r.each(ctx, func(rec authoring.Recorded) error { return tally.Add(ctx, rules, rec) }); err != nil {
		return err
	}
	if err := r.out.print(r.cmd.OutOrStdout(), tally, tally.Write); err != nil {
		return err
	}
	return r.conclude(tally)
}

// each gives every decision that was recorded.
func (r candidacy) each(ctx context.Context, give func(authoring.Recorded) error) error {
	if r.export != "" {
		return r.exported(give)
	}
	from, err := ago(r.env.now(), r.since)
	if err != nil {
		return usageError{err, r.cmd.CommandPath()}
	}
	c, err := r.at.client(ctx)
	if err != nil {
		return err
	}
	return c.DecisionLines(ctx, client.DecisionFilter{From: from}, func(d api.DecisionDocument) error {
		return give(authoring.Recorded{Ref: d.Ref, Incident: d.Incident.Name(), At: d.StoredAt, Document: d.Document})
	})
}

// exported gives the decisions of an export, in the order of the records that name them.
func (r candidacy) exported(give func(authoring.Recorded) error) error {
	file, closing, err := openReplay(r.cmd.InOrStdin(), r.export)
	if err != nil {
		return err
	}
	defer closing()
	left := maps.Clone(file.Asked)
	for _, rec := range file.Incidents {
		for _, named := range rec.Documents() {
			doc, there := left[named.Ref]
			if !there {
				continue
			}
			delete(left, named.Ref)
			if err := give(authoring.Recorded{Ref: named.Ref, Incident: rec.Incident.Name(), At: rec.At, Document: doc}); err != nil {
				return err
			}
		}
	}
	return nil
}

// conclude is the error for what the tally has told.
func (r candidacy) conclude(t *authoring.Tally) error {
	switch {
	case t.Replayed()+t.Refused == 0 && t.Unread+len(t.Lacking) == 0:
		return advisedError{errors.New("nothing could be compared: policy was not asked in that time"), "go further back: --since 90d; or use stories: salvor replay STORY --config salvor.yaml"}
	case t.Replayed()+t.Refused == 0:
		return silentError{errors.New("nothing could be compared")}
	case t.LooserThan() > 0 && !r.allowed:
		fmt.Fprintf(r.cmd.ErrOrStderr(), "%d move toward more automation\nnext: if that is meant, say --allow-looser; Salvor holds such a revision until a second person says: salvor policy activate REVISION\n", t.LooserThan())
		return silentError{errors.New("it is looser")}
	case t.Refused > 0:
		return silentError{errors.New("answers are owed")}
	}
	return nil
}
