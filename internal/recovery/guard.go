package recovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/policies"
)

// guard is asked right before each write to the world. It refuses when the intent's deadline has passed, when another writer
// took the step over, or when somebody has paused what the step touches.
func (e *Engine) guard(inc *incident.Incident) func(context.Context) error {
	mine := *inc.Intent
	return func(ctx context.Context) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !e.Clock.Now().Before(mine.Deadline) {
			return fmt.Errorf("the deadline of step %s has passed: %w", mine.Name, context.DeadlineExceeded)
		}
		var group errgroup.Group
		group.Go(func() error { return e.unpaused(ctx, inc) })
		lost := e.stillMine(ctx, inc, mine)
		return cmp.Or(lost, group.Wait())
	}
}

// stillMine refuses when the intent is not the open one any more. A history that only grew by notes is no reason.
func (e *Engine) stillMine(ctx context.Context, inc *incident.Incident, mine incident.Open) error {
	if e.Ledger.Current(ctx, inc) == nil {
		return nil
	}
	now, err := e.Ledger.Load(ctx, inc.ID)
	if err != nil {
		return fmt.Errorf("see whether step %s is still ours: %w", mine.Name, errors.Join(ErrHeld, err))
	}
	if now.Intent == nil || now.Intent.Nonce != mine.Nonce {
		return fmt.Errorf("step %s is no longer ours: %w", mine.Name, ledger.ErrLost)
	}
	return nil
}

func (e *Engine) unpaused(ctx context.Context, inc *incident.Incident) error {
	pauses, err := e.Ledger.Pauses(ctx)
	if err != nil {
		return fmt.Errorf("read the pauses: %w", errors.Join(ErrHeld, err))
	}
	q := policies.Question{Now: e.Clock.Now(), Cluster: policies.ClusterFacts{Name: inc.Key.Cluster}, Pauses: pauses,
		Fault: policies.FaultFacts{Kind: string(inc.Fault.Kind), Anchor: inc.Fault.Anchor.String()},
		Plan:  proposal(inc.Plan, inc.Phase, e.Clock.Now())}
	for _, p := range pauses {
		if p.Holds(q) {
			return fmt.Errorf("%w: paused by %s: %s", ErrHeld, p.Owner, p.Reason)
		}
	}
	return nil
}
