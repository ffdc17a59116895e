package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/events/alertmanager"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/ingest"
)

func newPrintAlertmanagerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "alertmanager-config",
		Short: "Print the part of alertmanager.yml that sends alerts to Salvor",
		Long: `Print a receiver and the routes for alertmanager.yml. Merged as its comments say, every alert reaches exactly the receivers that
it reached before, and Salvor. The address comes from external_url in salvor.yaml, or from --url.`,
		Args: usage(cobra.NoArgs),
	}
	var path string
	var route alertmanager.Route
	flags := cmd.Flags()
	flags.StringVar(&path, "config", defaultConfig, "configuration of Salvor")
	flags.StringVar(&route.URL, "url", "", "address of Salvor as Alertmanager reaches it (default external_url)")
	flags.StringVar(&route.Receiver, "receiver", "salvor", "name of the receiver")
	flags.StringVar(&route.CredentialsFile, "credentials-file", "/etc/alertmanager/salvor.token", "file with the intake's token, on Alertmanager's machine")
	flags.StringVar(&route.Cluster, "cluster", "", "send only alerts of this cluster and those that name none (default all)")
	flags.StringVar(&route.ClusterLabel, "cluster-label", "cluster", "label that names an alert's cluster")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		base, err := addressOf(route.URL, path)
		if err != nil {
			return err
		}
		route.URL = strings.TrimSuffix(base, "/") + ingest.AlertmanagerPath
		text, err := route.YAML()
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(cmd.OutOrStdout(), text)
		return err
	}
	return cmd
}

// addressOf is the address that is given, or else that of the configuration.
func addressOf(given, path string) (string, error) {
	if given != "" {
		return given, nil
	}
	cfg, err := config.Read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", advisedError{err, "name the configuration with --config FILE, or the address with --url URL"}
	case err != nil:
		return "", err
	}
	return cfg.ExternalURL, nil
}
