package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/chat/slack"
)

func newPrintSlackCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "slack-manifest",
		Short: "Print the manifest of a Slack app for Salvor",
		Long: `Print the manifest to paste into "Create an app, from a manifest" at api.slack.com/apps. Presses come over a connection that Salvor
opens itself; with --http Slack posts them to external_url, and Salvor has to be reached from there.`,
		Args: usage(cobra.NoArgs),
	}
	var path, address string
	var http bool
	flags := cmd.Flags()
	flags.StringVar(&path, "config", defaultConfig, "configuration of Salvor")
	flags.BoolVar(&http, "http", false, "have Slack post presses to Salvor")
	flags.StringVar(&address, "url", "", "address of Salvor as Slack reaches it, with --http (default external_url)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		base := ""
		if http {
			var err error
			if base, err = addressOf(address, path); err != nil {
				return err
			}
		}
		_, err := fmt.Fprint(cmd.OutOrStdout(), slack.Manifest(base))
		return err
	}
	return cmd
}
