package judging

import (
	"context"
	"io/fs"
	"os"

	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/policies/bundle"
	"github.com/salvor-io/salvor/policies/rego"
)

// loadPolicies loads the shipped rules, and beside them others: those given, or those of the configured directory.
func loadPolicies(ctx context.Context, cfg *config.Config, rules fs.FS) (*rego.Engine, error) {
	sources := []rego.Source{{Name: "the shipped bundle", Files: bundle.Files()}}
	switch dir := cfg.Policies.Dir; {
	case rules != nil:
		sources = append(sources, rego.Source{Name: "the rules given", Files: rules})
	case dir != "":
		sources = append(sources, rego.Source{Name: dir, Files: os.DirFS(dir)})
	}
	return rego.New(ctx, sources, rego.Options{})
}
