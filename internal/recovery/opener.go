package recovery

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/pipeline"
)

// Opener opens incidents in a ledger. Beside that write, which is waited for anyway, it has read what the first decision is judged by.
type Opener struct {
	pipeline.Ledger
	Ready func(ctx context.Context) // of the engine that is to decide
}

// OpenIncident implements pipeline.Ledger.
func (o Opener) OpenIncident(ctx context.Context, first incident.Record, after uint64) (inc *incident.Incident, err error) {
	var group errgroup.Group
	group.Go(func() error {
		o.Ready(ctx)
		return nil
	})
	inc, err = o.Ledger.OpenIncident(ctx, first, after)
	_ = group.Wait()
	return inc, err
}

// Ready reads what holds for all incidents, unless that was just read. What cannot be read is read again when it is needed.
func (e *Engine) Ready(ctx context.Context) {
	if _, err := e.stands(ctx); err != nil {
		e.Log.Debug("what a decision is judged by is not read ahead", "error", err)
	}
}
