package app

import (
	"context"
	"fmt"
	"io/fs"
	"os"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/kubeclient"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/all"
	"github.com/salvor-io/salvor/responders/node"
	"github.com/salvor-io/salvor/responders/power"
	"github.com/salvor-io/salvor/responders/runbooks"
)

// books are the runbooks with the catalogue they were checked against: the recovery engine's Planner.
type books struct {
	catalog responders.Catalog
	set     *runbooks.Set
}

func loadRunbooks(cfg *config.Config, c clusters) (*books, error) {
	switches, err := powerSwitches(cfg)
	if err != nil {
		return nil, err
	}
	catalog, err := all.Catalog(all.Options{Clusters: c, Power: switches})
	if err != nil {
		return nil, fmt.Errorf("make the catalogue of responders: %w", err)
	}
	var user fs.FS
	if cfg.Runbooks.Dir != "" {
		user = os.DirFS(cfg.Runbooks.Dir)
	}
	set, err := runbooks.Load(catalog, user)
	if err != nil {
		return nil, fmt.Errorf("load the runbooks: %w", err)
	}
	return &books{catalog, set}, nil
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

// Runbooks names the runbooks for a kind of fault, in the order in which they are tried.
func (b *books) Runbooks(kind classifiers.Kind) []string {
	var names []string
	for _, r := range b.set.For(kind) {
		names = append(names, r.Name)
	}
	return names
}

// Plan works out a runbook for an incident, or what takes it back. All of its steps see the same world.
func (b *books) Plan(ctx context.Context, name string, phase incident.Phase, inc *incident.Incident, env responders.Env) (responders.Plan, error) {
	runbook, ok := b.set.Lookup(name)
	if !ok {
		return responders.Plan{}, fmt.Errorf("no runbook is named %q any more", name)
	}
	ctx = kubeclient.ReadOnce(ctx)
	if phase == incident.PhaseUndo {
		return runbooks.ResolveUndo(ctx, runbook, inc.Fault, env, b.catalog)
	}
	return runbooks.Resolve(ctx, runbook, inc.Fault, env, b.catalog)
}
