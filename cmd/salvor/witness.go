package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/witness"
)

func newWitnessCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "witness",
		Short: "Tell Salvor from elsewhere which clusters can be reached",
		Long: `Run a witness until SIGTERM or SIGINT: a small process on another network or in another region that tries the API server and the
etcd of each cluster every few seconds, and reports to Salvor's POST /v1/events. With it, a cluster that is down can be told from one
that only Salvor does not reach. It does nothing to a cluster, keeps nothing on disk, and needs no rights: a token is optional.

Run it where neither Salvor nor the clusters run. Its file:

  name: witness-us                        # intakes[].witness in salvor.yaml
  salvor:
    urls: [https://salvor.example.org]    # all replicas; any that takes a report will do
    ca_file: salvor-ca.crt                # who signs their certificates; default: the roots of the system
    token_file: witness.token             # or cert_file and key_file
  clusters:
    - name: prod-eu                       # as in salvor.yaml
      server: https://api.prod-eu.example.org:6443
      ca_file: prod-eu-ca.crt
      token_file: prod-eu.token           # optional, for an API server that knows nobody else, and to ask it about etcd
      etcd:                               # optional, all members
        endpoints: [https://etcd-0:2379, https://etcd-1:2379, https://etcd-2:2379]
        ca_file: etcd-ca.crt
        cert_file: etcd-client.crt
        key_file: etcd-client.key
  log: {level: info, format: text}

And in salvor.yaml:

  intakes:
    - {name: witness-us, witness: witness-us, token_file: witness-us.token, clusters: [prod-eu]}`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return testify(cmd.Context(), file) },
	}
	cmd.Flags().StringVar(&file, "config", "witness.yaml", "the file of the witness")
	return cmd
}

func testify(ctx context.Context, file string) error {
	cfg, err := config.LoadWitness(file)
	if err != nil {
		return advisedError{err, "see what the file of a witness holds: salvor witness --help"}
	}
	log := newLogger(cfg.Log)
	for _, warning := range cfg.Warnings {
		log.Warn("configuration", "warning", warning.String())
	}
	w, err := witness.New(cfg, buildVersion().Version, log)
	if err != nil {
		return err
	}
	return w.Run(ctx)
}
