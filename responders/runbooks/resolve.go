package runbooks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/responders"
)

// previews bounds how many steps are previewed at a time.
const previews = 8

// Resolve makes the plan of a runbook for a fault: every step and every check is previewed against the world, and the plan
// is sealed. It only reads. Steps with nothing left to do stay in the plan.
func Resolve(ctx context.Context, r Runbook, fault classifiers.Fault, env responders.Env, catalog responders.Catalog) (responders.Plan, error) {
	if err := r.admits(fault, env); err != nil {
		return responders.Plan{}, fmt.Errorf("resolve runbook %s: %w", r.Name, err)
	}
	return resolve(ctx, r.Name, r.Steps, r.Verify, source{fault, env, catalog, len(r.Undo) == 0})
}

// admits refuses a fault of namespaces of which nothing was promised, where the runbook is for others: nobody knows whether what is gone was to go.
func (r Runbook) admits(fault classifiers.Fault, env responders.Env) error {
	if !r.Promised {
		return nil
	}
	for _, name := range fault.Scope.Namespaces {
		if _, promised := env.Tier(name); !promised {
			return fmt.Errorf("nothing was promised of namespace %s (protection in salvor.yaml): it is recorded only", name)
		}
	}
	if len(fault.Scope.Namespaces) == 0 {
		return errors.New("the fault reaches no namespace of which something could have been promised")
	}
	return nil
}

// ResolveUndo makes the plan that takes back what the runbook does, for a fault that cleared. Its name is that of the runbook
// with /undo behind it, or that of the runbook that it names for it. A runbook without undo is an error.
func ResolveUndo(ctx context.Context, r Runbook, fault classifiers.Fault, env responders.Env, catalog responders.Catalog) (responders.Plan, error) {
	if len(r.Undo) == 0 {
		return responders.Plan{}, fmt.Errorf("undo runbook %s: it says nothing about how to take back what it does", r.Name)
	}
	return resolve(ctx, cmp.Or(r.UndoBy, r.Name+"/undo"), r.Undo, nil, source{fault, env, catalog, false})
}

// source is what steps are resolved from.
type source struct {
	fault   classifiers.Fault
	env     responders.Env
	catalog responders.Catalog
	lasts   bool // nothing of the plan is to be taken back
}

func resolve(ctx context.Context, name string, steps []Step, checks []Check, from source) (responders.Plan, error) {
	plan := responders.Plan{Runbook: name, Cluster: from.env.Cluster, Lasts: from.lasts,
		Steps: make([]responders.Step, len(steps)), Checks: make([]responders.Check, len(checks))}
	var asks []ask
	for i, s := range steps {
		plan.Steps[i] = responders.Step{Name: s.Name, DeadlineS: s.Deadline.Seconds(), OnFailure: s.OnFailure}
		asks = append(asks, ask{s.Name, s.Use, s.With, &plan.Steps[i].Change})
	}
	for i, c := range checks {
		plan.Checks[i] = responders.Check{Name: c.Name, SettleS: c.Settle.Seconds(), DeadlineS: c.Deadline.Seconds()}
		asks = append(asks, ask{c.Name, c.Use, c.With, &plan.Checks[i].Change})
	}
	if err := from.previewAll(ctx, asks); err != nil {
		return responders.Plan{}, fmt.Errorf("resolve runbook %s: %w", name, err)
	}
	return plan.Seal()
}

// ask is one preview to be made.
type ask struct {
	name, use string
	with      map[string]Value
	into      *responders.Change
}

// previewAll makes all previews, several at a time. Of several that go wrong it tells the first in their order, so that the
// same trouble reads the same each time.
func (s source) previewAll(ctx context.Context, asks []ask) error {
	wrong := make([]error, len(asks))
	var group errgroup.Group
	group.SetLimit(previews)
	for i, a := range asks {
		group.Go(func() error {
			wrong[i] = s.preview(ctx, a)
			return nil
		})
	}
	_ = group.Wait() // what went wrong is in wrong
	for _, err := range wrong {
		if err != nil {
			return err
		}
	}
	return nil
}

// preview asks the responder of one step or check what it would do.
func (s source) preview(ctx context.Context, a ask) error {
	responder, err := s.catalog.Lookup(a.use)
	if err != nil {
		return fmt.Errorf("step %s: %w", a.name, err)
	}
	args := responders.Args{}
	for _, key := range slices.Sorted(maps.Keys(a.with)) {
		if args[key], err = a.with[key].resolve(s.fault, s.env); err != nil {
			return fmt.Errorf("step %s: argument %q: %w", a.name, key, err)
		}
	}
	env := s.env
	env.Step, env.Plan = a.name, ""
	if *a.into, err = responder.Preview(ctx, env, args); err != nil {
		return fmt.Errorf("step %s: %w", a.name, err)
	}
	return nil
}
