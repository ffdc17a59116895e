package judging

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
	"github.com/salvor-io/salvor/responders/runbooks"
)

// Books are the runbooks with the catalogue they were checked against: the recovery engine's Planner.
type Books struct {
	Catalog responders.Catalog

	set *runbooks.Set
}

// LoadBooks loads the shipped runbooks, and beside or instead of them others: those given, or those of the configured directory.
func LoadBooks(cfg *config.Config, user fs.FS, catalog responders.Catalog) (*Books, error) {
	if user == nil && cfg.Runbooks.Dir != "" {
		user = os.DirFS(cfg.Runbooks.Dir)
	}
	set, err := runbooks.Load(catalog, user)
	if err != nil {
		return nil, fmt.Errorf("load the runbooks: %w", err)
	}
	return &Books{catalog, set}, nil
}

// Runbooks names all runbooks for a kind of fault.
func (b *Books) Runbooks(kind classifiers.Kind) []string {
	return namesOf(b.set.For(kind))
}

func namesOf(all []runbooks.Runbook) []string {
	var names []string
	for _, r := range all {
		names = append(names, r.Name)
	}
	return names
}

// About names the runbooks for a fault, in the order in which they are tried.
func (b *Books) About(f classifiers.Fault) []string { return namesOf(b.set.About(f)) }

// IsReturn says that a runbook is only the way back from what others did.
func (b *Books) IsReturn(name string) bool {
	r, ok := b.set.Lookup(name)
	return ok && r.Return
}

// Plan works out a runbook for an incident, or what takes it back. All of its steps see the same world.
func (b *Books) Plan(ctx context.Context, name string, phase incident.Phase, inc *incident.Incident, env responders.Env) (responders.Plan, error) {
	runbook, ok := b.set.Lookup(name)
	if !ok {
		return responders.Plan{}, fmt.Errorf("no runbook is named %q any more", name)
	}
	ctx = kubeclient.ReadOnce(ctx)
	if phase == incident.PhaseUndo {
		return runbooks.ResolveUndo(ctx, runbook, inc.Fault, env, b.Catalog)
	}
	return runbooks.Resolve(ctx, runbook, inc.Fault, env, b.Catalog)
}
