package recovery

import (
	"context"
	"errors"
	"fmt"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
)

// running is what is being done for an incident: after which of its records it was begun, and how to end it.
type running struct {
	after  uint64
	cancel context.CancelCauseFunc
}

// interruptible is ctx until the plan of an incident is stopped. The function it gives is to be called when nothing is done for it any more.
func (e *Engine) interruptible(ctx context.Context, inc *incident.Incident) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.running[inc.ID] = running{inc.Seq, cancel}
	return ctx, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.running, inc.ID)
		cancel(nil)
	}
}

// Interrupt ends at once what this engine does and waits for under a plan that a record of a person has stopped. It is told of each record, in
// their order, and never blocks. Nothing unsafe comes of a record that it is not told of: the guard refuses each write after it.
func (e *Engine) Interrupt(rec incident.Sequenced) {
	if rec.Kind != incident.Halted {
		return
	}
	e.mu.Lock()
	now, does := e.running[rec.Incident]
	e.mu.Unlock()
	if does && now.after < rec.Seq {
		now.cancel(fmt.Errorf("a person has stopped the plan: %w", ledger.ErrLost))
	}
}

// interrupted is why a context has ended, where that is that the plan was stopped.
func interrupted(ctx context.Context) error {
	if why := context.Cause(ctx); errors.Is(why, ledger.ErrLost) {
		return why
	}
	return nil
}
