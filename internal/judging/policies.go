package judging

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/policies/bundle"
	"github.com/salvor-io/salvor/policies/rego"
)

// patience bounds one evaluation. Nobody waits for what is judged again, and what it says is not to depend on how busy its machine is.
const patience = 10 * time.Second

// loadPolicies loads the shipped rules, and beside them others: those given, or those of the configured directory. Those of a bundle are
// fetched by a running server alone.
func loadPolicies(ctx context.Context, cfg *config.Config, rules fs.FS) (*rego.Engine, error) {
	sources := []rego.Source{{Name: "the shipped bundle", Files: bundle.Files()}}
	switch dir := cfg.Policies.Dir; {
	case rules != nil:
		sources = append(sources, rego.Source{Name: "the rules given", Files: rules})
	case cfg.Policies.Bundle != nil:
		return nil, errors.New("load policy: policies.bundle is fetched by salvor serve alone: name a directory with the same rules as policies.dir")
	case dir != "":
		sources = append(sources, rego.Source{Name: dir, Files: os.DirFS(dir)})
	}
	return rego.New(ctx, sources, rego.Options{Deadline: patience})
}
