package recovery

import (
	"context"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/pipeline"
)

// foresight is policy's answer about the first step of a plan, asked for while the decision about the plan is being stored. It was
// judged by the same facts as the decision, so it serves as long as these may: see standsFor.
type foresight struct {
	plan string // its digest
	seq  uint64 // what the view had reached
	at   time.Time
	candidate
}

// foresee asks about the first step of a plan that a record is about to put in force.
func (e *Engine) foresee(ctx context.Context, inc *incident.Incident, rec incident.Record, look pipeline.Look, now standing) {
	next, err := inc.With(rec)
	if err != nil {
		return // the record will be refused
	}
	f := foresight{next.Plan.Digest, look.Seq, e.Clock(), e.gateOf(ctx, &next, look, now)}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ahead[inc.ID] = f
}

// foreseen gives what was foreseen of the first step of the plan in force, once, if nothing has been seen since.
func (e *Engine) foreseen(inc *incident.Incident, look pipeline.Look) (c candidate, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f, ok := e.ahead[inc.ID]
	delete(e.ahead, inc.ID)
	return f.candidate, ok && f.plan == inc.Plan.Digest && f.seq == look.Seq && e.Clock().Sub(f.at) < standsFor
}
