package app

import (
	"fmt"
	"log/slog"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/events/alertmanager"
	"github.com/salvor-io/salvor/internal/config"
)

// silences are the sources that watch what people silence: one, or none when no Alertmanager is configured.
func silences(cfg *config.Config, replica string, log events.Log, view alertmanager.SilenceView, logger *slog.Logger) ([]events.Source, error) {
	if len(cfg.Alertmanagers) == 0 {
		return nil, nil
	}
	opts := alertmanager.SilenceOptions{Replica: replica, Log: log, View: view, Logger: logger}
	for _, am := range cfg.Alertmanagers {
		target := alertmanager.Target{URL: am.URL}
		if am.TokenFile != "" {
			token, err := config.Secret(am.TokenFile)
			if err != nil {
				return nil, fmt.Errorf("read the token for Alertmanager %s: %w", am.URL, err)
			}
			target.Token = token
		}
		opts.Targets = append(opts.Targets, target)
	}
	source, err := alertmanager.NewSilences(opts)
	if err != nil {
		return nil, err
	}
	return []events.Source{source}, nil
}
