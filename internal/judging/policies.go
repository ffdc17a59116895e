package judging

import (
	"context"
	"os"

	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/policies/bundle"
	"github.com/salvor-io/salvor/policies/rego"
)

// loadPolicies loads the shipped rules, and those of the configured directory beside them.
func loadPolicies(ctx context.Context, cfg *config.Config) (*rego.Engine, error) {
	sources := []rego.Source{{Name: "the shipped bundle", Files: bundle.Files()}}
	if dir := cfg.Policies.Dir; dir != "" {
		sources = append(sources, rego.Source{Name: dir, Files: os.DirFS(dir)})
	}
	return rego.New(ctx, sources, rego.Options{})
}
