package sim

import (
	"context"
	"fmt"
	"time"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/ledger/memory"
	"github.com/salvor-io/salvor/policies"
)

// faulty is the ledger as a replica reaches it: it takes time, is away now and then, and the replica may die before a write, or after
// it and before it knows.
type faulty struct {
	*memory.Ledger
	replica *replica
	life    int
}

// write makes a write among mishaps.
func (f *faulty) write(ctx context.Context, do func() error) error {
	r, p := f.replica.run, f.replica
	if !r.clock.Sleep(ctx, time.Millisecond+r.chance(30*time.Millisecond)) {
		return fmt.Errorf("%w: %w", events.ErrUnavailable, ctx.Err())
	}
	if r.log.down {
		return events.ErrUnavailable
	}
	mine := func() bool { return p.life != nil && p.lives == f.life }
	if mine() && r.mishap() {
		p.die()
		return fmt.Errorf("%w: the process died", events.ErrUnavailable)
	}
	err := do()
	if mine() && r.mishap() {
		p.die()
		return fmt.Errorf("%w: the process died", events.ErrUnavailable)
	}
	return err
}

// writes makes a write that returns something.
func writes[T any](f *faulty, ctx context.Context, do func() (T, error)) (T, error) {
	var out T
	err := f.write(ctx, func() (err error) {
		out, err = do()
		return err
	})
	return out, err
}

// Append implements recovery.Ledger.
func (f *faulty) Append(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error) {
	rec = f.replica.run.bug.hears(inc, rec)
	return writes(f, ctx, func() (uint64, error) { return f.Ledger.Append(ctx, inc, rec) })
}

// Decide implements recovery.Ledger.
func (f *faulty) Decide(ctx context.Context, inc *incident.Incident, doc any, claim *ledger.Claim) (incident.Asked, error) {
	return writes(f, ctx, func() (incident.Asked, error) { return f.Ledger.Decide(ctx, inc, doc, f.replica.run.bug.claim(claim)) })
}

// AppendClaimed implements recovery.Ledger.
func (f *faulty) AppendClaimed(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error) {
	return writes(f, ctx, func() (uint64, error) { return f.Ledger.AppendClaimed(ctx, inc, rec) })
}

// AppendIntent implements recovery.Ledger.
func (f *faulty) AppendIntent(ctx context.Context, inc *incident.Incident, rec incident.Record, claim ledger.Claim, doc any) (uint64, error) {
	claim = *f.replica.run.bug.claim(&claim)
	return writes(f, ctx, func() (uint64, error) { return f.Ledger.AppendIntent(ctx, inc, rec, claim, doc) })
}

// AppendAsked implements recovery.Ledger.
func (f *faulty) AppendAsked(ctx context.Context, inc *incident.Incident, rec incident.Record, doc any) (uint64, error) {
	return writes(f, ctx, func() (uint64, error) { return f.Ledger.AppendAsked(ctx, inc, rec, doc) })
}

// AppendYielding implements recovery.Ledger.
func (f *faulty) AppendYielding(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error) {
	return writes(f, ctx, func() (uint64, error) { return f.Ledger.AppendYielding(ctx, inc, rec) })
}

// AppendReleasing implements recovery.Ledger.
func (f *faulty) AppendReleasing(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error) {
	if rec.Kind == incident.Halted && f.replica.run.bug == BugNoStop {
		return 0, nil
	}
	return writes(f, ctx, func() (uint64, error) { return f.Ledger.AppendReleasing(ctx, inc, rec) })
}

// Close implements recovery.Ledger.
func (f *faulty) Close(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error) {
	return writes(f, ctx, func() (uint64, error) { return f.Ledger.Close(ctx, inc, rec) })
}

// Budget implements recovery.Ledger.
func (f *faulty) Budget(ctx context.Context) (ledger.Budget, error) {
	b, err := f.Ledger.Budget(ctx)
	return f.replica.run.bug.budget(b), err
}

// KnownBudget implements recovery.Ledger.
func (f *faulty) KnownBudget() ledger.Budget { return f.replica.run.bug.budget(f.Ledger.KnownBudget()) }

// SetTimer implements recovery.Ledger.
func (f *faulty) SetTimer(ctx context.Context, t ledger.Timer) error {
	if f.replica.run.bug == BugNoTimers {
		return nil
	}
	return f.Ledger.SetTimer(ctx, t)
}

// Pauses implements recovery.Ledger.
func (f *faulty) Pauses(ctx context.Context) ([]policies.Pause, error) {
	if f.replica.run.bug == BugDeafToPauses {
		return nil, nil
	}
	return f.Ledger.Pauses(ctx)
}
