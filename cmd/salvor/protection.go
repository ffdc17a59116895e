package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/salvor-io/salvor/internal/protection"
	"github.com/salvor-io/salvor/internal/protection/census"
	"github.com/salvor-io/salvor/internal/timeline"
)

func newProtectionCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "protection",
		Short: "Say what could be restored now, how old it is, and what is missing",
		Long: `Say of each application to which something was promised, and of each other namespace in which something runs: the newest moment to which it
could go back now, how old that is, what was promised, and what is missing. It reads the cluster and writes nothing; no server is asked.

What was promised is in "protection" of salvor.yaml. Without it every namespace is listed, but for those that come with Kubernetes or with Velero.

  KEPT         what could be restored is as new as was promised
  LATE         it is older
  UNPROTECTED  there is nothing that could be restored, or something of it is missing
  UNKNOWN      it is not seen whether there is; that is never taken for well
  NO PROMISE   it could be restored, and nobody said how old that may be

Exit code 8 says that something promised is late or unprotected, or where nothing was promised, that any namespace is; 9 that nothing is, as far
as is known, and that not all is known.`,
		Example: `  salvor protection --kubeconfig ~/.kube/config
  salvor protection -f salvor.yaml --cluster prod-eu -o json`,
		Args: usage(noSuchCommand),
	}
	at, out := surveys(cmd, env), prints(cmd, "table", "json", "yaml")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := at.survey(cmd.CommandPath())
		if err != nil {
			return err
		}
		reports := s.reports(cmd.Context())
		err = out.print(cmd.OutOrStdout(), reports, func(w io.Writer) error { return writeProtection(w, reports) })
		if err == nil {
			err = protected(reports)
		}
		return err
	}
	cmd.AddCommand(newProtectionPlanCommand(env))
	return cmd
}

// protected says whether all is as it was promised. What it says is in the reports already.
func protected(reports []protection.Report) error {
	bad := func(r protection.Report) bool { return r.State == protection.Late || r.State == protection.Unprotected }
	dark := func(r protection.Report) bool { return r.State == protection.Unknown || len(r.Unread) > 0 }
	switch {
	case slices.ContainsFunc(reports, bad):
		return foundError{errors.New("something is late or unprotected"), exitNotKept}
	case slices.ContainsFunc(reports, dark):
		return foundError{errors.New("not all is known"), exitNotKnown}
	}
	return nil
}

// reports judges all clusters of a survey, in their order. They are read side by side.
func (s *survey) reports(ctx context.Context) []protection.Report {
	out := make([]protection.Report, len(s.sites))
	for i, c := range s.censuses(ctx) {
		out[i] = protection.Judge(s.promises, c)
		if out[i].Cluster == "" {
			out[i].Cluster = s.sites[i].shown
		}
	}
	return out
}

// sitesAtOnce is how many clusters are read side by side.
const sitesAtOnce = 8

func (s *survey) censuses(ctx context.Context) []*protection.Census {
	out := make([]*protection.Census, len(s.sites))
	var group errgroup.Group
	group.SetLimit(sitesAtOnce)
	for i, site := range s.sites {
		group.Go(func() error {
			out[i] = census.Take(ctx, site.clients, census.Options{Cluster: site.name, Queries: s.queries, Metrics: site.metrics, Now: s.now()})
			return nil
		})
	}
	_ = group.Wait() // what went wrong is in the censuses
	return out
}

func newProtectionPlanCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Write the backup schedules that would keep what was promised",
		Long: `Write the Schedules of Velero and the VolumeSnapshotClasses that would keep what was promised to one cluster, for kubectl apply. Nothing is
applied. What is kept by a schedule of somebody else, by a copy or by Git needs none, and what cannot be kept by backups is said on stderr.

A backup leads back to when it began and counts once it has ended, and one fails now and then: so a backup begins so often that two intervals,
and the time that a backup takes, fit into what may be lost. They begin at different minutes, by the names of the applications.`,
		Example: "  salvor protection plan -f salvor.yaml --cluster prod-eu | kubectl diff -f -",
		Args:    usage(cobra.NoArgs),
	}
	at := surveys(cmd, env)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := at.survey(cmd.CommandPath())
		switch {
		case err != nil:
			return err
		case len(s.sites) > 1:
			return usageError{errors.New("several clusters are configured: say for which one, --cluster NAME"), cmd.CommandPath()}
		case len(s.promises) == 0:
			return advisedError{errors.New("plan backups: nothing was promised to anybody"), `write "protection" into salvor.yaml (deploy/README.md) and give it with -f`}
		}
		c := s.censuses(cmd.Context())[0]
		for _, u := range c.Unread {
			fmt.Fprintf(cmd.ErrOrStderr(), "not seen: %s\n", timeline.Plain(u.Why))
		}
		return writePlan(cmd.OutOrStdout(), cmd.ErrOrStderr(), protection.PlanFor(s.promises, c), len(c.Unread))
	}
	return cmd
}
