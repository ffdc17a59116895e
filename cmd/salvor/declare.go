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
	"github.com/salvor-io/salvor/internal/timeline"
)

func newDeclareCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "declare KIND [NAME]",
		Short: "Declare that something is broken which Salvor does not see, or not yet",
		Long: `Declare that something is broken: an incident is opened within a second or two, without waiting for detection to see it. What then
may be done is decided as for any other: the same policy, the same brakes, the same people who are asked. What only people tell of
is single-sourced, and policy knows that.

KIND is the kind of fault, NAME what is broken:
  node      a node: worker-7
  zone      a zone: eu-west-1b; of its nodes only those that are seen to be lost become targets
  region    the region of the cluster; its name may be left out
  data      a namespace whose data is lost or damaged: shop
  config    a workload: Deployment/shop/web
  security  a pod or a node: Pod/shop/web-1, Node/worker-7

It has to be something that Salvor knows. A declaration survives restarts and ends by itself. Declared again, it stands for longer.
With --end it is taken back: then the incident ends as soon as nothing else says that it is broken.`,
		Example: `  salvor declare zone eu-west-1b --cluster prod-eu --reason "provider status page says power loss"
  salvor declare node worker-7 --cluster prod-eu --reason "smoke comes out of it" --for 1h
  salvor declare region --cluster prod-eu --reason "provider says the region is isolated"
  salvor declare data shop --cluster prod-eu --since 2h --reason "the migration dropped the orders table"
  salvor declare --end zone eu-west-1b --cluster prod-eu`,
		Args: usage(cobra.RangeArgs(1, 3)),
	}
	var d api.DeclareRequest
	var length time.Duration
	var end bool
	flags := cmd.Flags()
	flags.StringVar(&d.Cluster, "cluster", "", "the cluster (required)")
	flags.StringVar(&d.Reason, "reason", "", "why, for whoever is asked and the next person who looks (required)")
	flags.DurationVar(&length, "for", 4*time.Hour, "how long it stands unless it is taken back, at most 24h")
	flags.StringVar(&d.Since, "since", "", "when it went wrong, as 2h or 2026-03-01T02:00:00Z: nothing is brought back from a later moment")
	flags.BoolVar(&end, "end", false, "take it back")
	at, out := connects(cmd, env), prints(cmd, "table", "json", "yaml")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		d.Kind, d.Name, d.For = args[0], strings.Join(args[1:], "/"), length.String()
		if err := declarable(d, end, flags.Changed("for")); err != nil {
			return usageError{err, cmd.CommandPath()}
		}
		c, err := at.client(cmd.Context())
		if err != nil {
			return err
		}
		if end {
			return takeBack(cmd, c, d)
		}
		set, err := c.Declare(cmd.Context(), d)
		if err != nil {
			return err
		}
		return out.print(cmd.OutOrStdout(), set, func(w io.Writer) error { return writeDeclared(w, cmd.ErrOrStderr(), set) })
	}
	return cmd
}

// declarable says what is missing of a command line, or too much.
func declarable(d api.DeclareRequest, end, bounded bool) error {
	switch {
	case d.Cluster == "":
		return errors.New("say of which cluster: --cluster")
	case end && (d.Reason != "" || d.Since != "" || bounded):
		return errors.New("--end takes neither --reason nor --since nor --for")
	case !end && d.Reason == "":
		return errors.New("a declaration needs a --reason: whoever is asked has to know why")
	}
	return nil
}

func takeBack(cmd *cobra.Command, c *client.Client, d api.DeclareRequest) error {
	if err := c.TakeBack(cmd.Context(), d.Cluster, d.Kind, d.Name); err != nil {
		return err
	}
	what := strings.TrimSpace(d.Kind + " " + d.Name)
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "took back %s of %s\n", timeline.Plain(what), timeline.Plain(d.Cluster))
	return err
}

func writeDeclared(w, talk io.Writer, d api.Declaration) error {
	what := timeline.Plain(fmt.Sprintf("%s/%s of %s", d.Anchor, d.Name, d.Cluster))
	if _, err := fmt.Fprintf(w, "declared %s until %s\n", what, d.Until.UTC().Format("2006-01-02 15:04:05 UTC")); err != nil {
		return err
	}
	_, err := fmt.Fprintf(talk, "next: see what comes of it: salvor incidents; take it back with: %s\n", timeline.TakeBack(d.Cluster, d.Declared))
	return err
}
