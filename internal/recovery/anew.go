package recovery

import (
	"context"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/pipeline"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Anew makes a question that was asked once anew, by what is seen at a look and by what is configured, and asks it again. Taken from
// the question of then is what nothing but the world of then knew: the pauses, what others held, and how old the view was; who else
// repairs is asked of Others. A nil plan is none that could be made. Nothing is read or written of the ledger.
func (e *Engine) Anew(ctx context.Context, inc *incident.Incident, look pipeline.Look, plan *responders.Plan, then policies.Question) (policies.Question, policies.Decision) {
	q := e.question(inc, look, incident.Phase(then.Plan.Phase), plan, standing{pauses: then.Pauses})
	q.About, q.InFlight, q.View.AgeS = then.About, then.InFlight, then.View.AgeS
	c := planless(q, nil)
	if plan != nil {
		c = e.ask(ctx, q, plan)
	}
	return q, c.answer
}

// Saying is an answer in one sentence, as the record of it has it.
func Saying(d policies.Decision) string { return saying(d) }

// Ladder names the runbooks that are tried for an incident, in order.
func (e *Engine) Ladder(inc *incident.Incident, phase incident.Phase) []string {
	return e.ladder(inc, phase)
}
