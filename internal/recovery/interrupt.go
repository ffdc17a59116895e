package recovery

import (
	"context"
	"errors"
	"fmt"
	"time"

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

// Interrupt ends at once what this engine does and waits for under a plan that a record has ended: that a person stopped it, or that another
// replica saw the fault gone. It says whether there was anything to end. It is told of each record, in their order, and never blocks. Nothing
// unsafe comes of a record that it is not told of: the guard refuses each write after it.
func (e *Engine) Interrupt(rec incident.Sequenced) bool {
	why, ends := endings[rec.Kind]
	if !ends {
		return false
	}
	e.mu.Lock()
	now, does := e.running[rec.Incident]
	e.mu.Unlock()
	if !does || now.after >= rec.Seq {
		return false
	}
	now.cancel(fmt.Errorf("%s: %w", why, ledger.ErrLost))
	return true
}

// endings are the records that end a plan from outside, and what they mean.
var endings = map[incident.RecordKind]string{
	incident.Halted:  "a person has stopped the plan",
	incident.Cleared: "the fault is gone, and the plan has ended",
}

// interrupted is why a context has ended, where that is that the plan was stopped.
func interrupted(ctx context.Context) error {
	if why := context.Cause(ctx); errors.Is(why, ledger.ErrLost) {
		return why
	}
	return nil
}

// landsWithin is how long after a plan was ended from outside a write may still land that was begun before it: the clients of clusters give a
// request up after 30 s, and the guard lets none begin.
const landsWithin = 35 * time.Second

// lands is how long a write may still land that was begun under the intent that was last cut off, by a stop or since the fault is gone, by a
// writer that may be at work. What it does must not come after it was taken back.
func (e *Engine) lands(inc *incident.Incident) time.Duration {
	open, stopped := cutOff(inc)
	if open == nil || e.mayTakeOver(open) {
		return 0
	}
	return min(stopped.Add(landsWithin).Sub(e.Clock.Now()), open.Deadline.Sub(e.Clock.Now()))
}

// cutOff is the intent that was open when a person last stopped a plan of the incident, or its fault was last seen gone, nil when none was, and
// when that was.
func cutOff(inc *incident.Incident) (open *incident.Open, stopped time.Time) {
	var now *incident.Open
	for _, rec := range inc.History {
		switch rec.Kind {
		case incident.Intent, incident.TookOver:
			now = &incident.Open{StepRef: *rec.Step, Writer: rec.Writer}
		case incident.Halted, incident.Cleared:
			if now != nil {
				open, stopped = now, rec.At
				if rec.StoredAt.After(stopped) {
					stopped = rec.StoredAt // the view lags a little
				}
			}
			now = nil
		case incident.Done, incident.Failed, incident.Handed:
			now = nil
		}
	}
	return open, stopped
}
