package recovery

import (
	"context"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/pipeline"
)

// foresight is policy's answer about the first step of a plan, asked for while the decision about the plan is being recorded. It
// was judged by the same facts as the decision, so it serves as long as these may: see standsFor.
type foresight struct {
	plan   string // its digest
	seq    uint64 // what the view had reached
	at     time.Time
	answer <-chan candidate // takes one
}

// foresee asks about the first step of a plan that a record is about to put in force.
func (e *Engine) foresee(ctx context.Context, inc *incident.Incident, rec incident.Record, look pipeline.Look, now standing) {
	next, err := inc.With(rec)
	if err != nil {
		return // the record will be refused
	}
	answer := make(chan candidate, 1)
	go func() { answer <- e.gateOf(ctx, &next, look, now) }()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ahead[inc.ID] = foresight{next.Plan.Digest, look.Seq, e.Clock(), answer}
}

// foreseen gives what was foreseen of the first step of the plan in force, once, if nothing has been seen since.
func (e *Engine) foreseen(ctx context.Context, inc *incident.Incident, look pipeline.Look) (c candidate, ok bool) {
	e.mu.Lock()
	f, ok := e.ahead[inc.ID]
	delete(e.ahead, inc.ID)
	e.mu.Unlock()
	if !ok || f.plan != inc.Plan.Digest || f.seq != look.Seq || e.Clock().Sub(f.at) >= standsFor {
		return candidate{}, false
	}
	select {
	case c = <-f.answer:
		return c, true
	case <-ctx.Done():
		return candidate{}, false
	}
}
