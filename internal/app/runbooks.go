package app

import (
	"fmt"

	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/judging"
	"github.com/salvor-io/salvor/responders/all"
	"github.com/salvor-io/salvor/responders/node"
	"github.com/salvor-io/salvor/responders/power"
)

func loadRunbooks(cfg *config.Config, c clusters) (*judging.Books, error) {
	switches, err := powerSwitches(cfg)
	if err != nil {
		return nil, err
	}
	probes, err := probesOf(cfg)
	if err != nil {
		return nil, err
	}
	servers, err := prometheusOf(cfg)
	if err != nil {
		return nil, err
	}
	catalog, err := all.Catalog(all.Options{Clusters: c, Power: switches, Probes: probes, Prometheus: servers})
	if err != nil {
		return nil, fmt.Errorf("make the catalogue of responders: %w", err)
	}
	return judging.LoadBooks(cfg, nil, catalog)
}

// powerSwitches are the switches of the clusters that have one.
func powerSwitches(cfg *config.Config) (map[string]node.Power, error) {
	out := map[string]node.Power{}
	for _, c := range cfg.Clusters {
		if c.Power == nil {
			continue
		}
		hook, err := PowerSwitch(*c.Power)
		if err != nil {
			return nil, fmt.Errorf("open the power switch of cluster %s: %w", c.Name, err)
		}
		out[c.Name] = hook
	}
	return out, nil
}

// PowerSwitch opens a power switch. Nothing is asked of it yet.
func PowerSwitch(p config.Power) (node.Power, error) {
	if p.Exec != nil {
		return power.NewExec(p.Exec.Command, p.Exec.Timeout)
	}
	token := ""
	if p.HTTP.TokenFile != "" {
		var err error
		if token, err = config.Secret(p.HTTP.TokenFile); err != nil {
			return nil, err
		}
	}
	return power.NewHTTP(power.HTTPOptions{URL: p.HTTP.URL, Token: token, Timeout: p.HTTP.Timeout})
}
