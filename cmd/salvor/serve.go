package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/app"
	"github.com/salvor-io/salvor/internal/config"
)

// newServeCommand makes the command that runs one replica until it is told to stop.
func newServeCommand() *cobra.Command {
	var file, replica string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run a replica of Salvor until SIGTERM or SIGINT",
		Long: `Run a replica of Salvor: take alerts in, watch the clusters, judge, and act as far as the modes in salvor.yaml allow.

Without clusters in salvor.yaml it only takes alerts in. Several replicas share one external NATS; an embedded one belongs
to one process.`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), file, replica)
		},
	}
	cmd.Flags().StringVar(&file, "config", "salvor.yaml", "the configuration")
	cmd.Flags().StringVar(&replica, "replica", "", "name of this replica, stable over restarts (default: the host's name)")
	return cmd
}

// garbage is how much memory may be garbage, in percent of what is in use, where GOGC does not say otherwise. On the worst day memory is
// dear and what is held grows with the storm; a collection of it is cheap.
const garbage = 20

func serve(ctx context.Context, file, replica string) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	cfg, err := config.Load(file)
	if err != nil {
		return err
	}
	log := newLogger(cfg.Log)
	for _, warning := range cfg.Warnings {
		log.Warn("configuration", "warning", warning.String())
	}
	if replica == "" {
		if replica, err = os.Hostname(); err != nil {
			return fmt.Errorf("name this replica: %w; give --replica", err)
		}
	}
	life, err := newLife(replica)
	if err != nil {
		return err
	}
	a, err := app.New(ctx, cfg, app.Options{Replica: replica, Life: life, Version: buildVersion().Version, Log: log.With("replica", replica), Welcome: os.Stderr})
	if err != nil {
		return err
	}
	return a.Run(ctx)
}

func newLogger(l config.Log) *slog.Logger {
	opt := &slog.HandlerOptions{Level: l.Level}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, opt))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, opt))
}

// newLife names this life of the process: the replica and 8 hex digits that no other life has.
func newLife(replica string) (string, error) {
	var unique [4]byte
	if _, err := rand.Read(unique[:]); err != nil {
		return "", fmt.Errorf("name this life of the replica: %w", err)
	}
	return replica + "." + hex.EncodeToString(unique[:]), nil
}
