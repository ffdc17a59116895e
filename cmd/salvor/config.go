package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/config"
)

// defaultConfig is the configuration that is read when none is named.
const defaultConfig = "salvor.yaml"

func newConfigCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Work with salvor.yaml",
		Args:  usage(noSuchCommand),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newConfigCheckCommand())
	return cmd
}

func newConfigCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Say what is wrong with a configuration, or sum it up",
		Long:  "Read FILE (default " + defaultConfig + ") as serve would, the files it names included, and say all that is wrong with it, line by line.",
		Args:  usage(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := defaultConfig
			if len(args) > 0 {
				path = args[0]
			}
			return checkConfig(cmd.OutOrStdout(), cmd.ErrOrStderr(), path)
		},
	}
}

func checkConfig(out, talk io.Writer, path string) error {
	cfg, err := config.Load(path)
	var problems config.Problems
	if errors.As(err, &problems) {
		fmt.Fprintf(talk, "%v\n", problems)
		fmt.Fprintf(talk, "%d wrong in %s\n", len(problems), path)
		return silentError{err}
	}
	if err != nil {
		return err
	}
	for _, warning := range cfg.Warnings {
		fmt.Fprintf(talk, "warning: %s\n", warning)
	}
	return sumUp(out, path, cfg)
}

func sumUp(w io.Writer, path string, cfg *config.Config) error {
	store := "embedded in " + cfg.DataDir
	if cfg.NATS.URL != "" {
		store = "at its own address"
	}
	_, err := fmt.Fprintf(w, "%s is well\n  listens on %s and %s\n  NATS %s, at most %s\n  %d clusters, %d intakes, %d people, %d alertmanagers\n",
		path, cfg.Listen.Address, cfg.Listen.Socket, store, cfg.NATS.MaxStore, len(cfg.Clusters), len(cfg.Intakes), len(cfg.People), len(cfg.Alertmanagers))
	if err != nil || len(cfg.Clusters) == 0 {
		return err
	}
	var rows [][]string
	for _, c := range cfg.Clusters {
		rows = append(rows, []string{"  " + c.Name, c.Environment, modesOf(c), canAct(c), powerOf(c)})
	}
	return table(w, []string{"  CLUSTER", "ENVIRONMENT", "MODES", "ACT", "POWER"}, rows)
}
