package recovery

import (
	"context"
	"fmt"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
)

// Authorize asks policy whether a person may say something about the plan that people are asked about. It returns what was asked and
// answered, to be stored beside what the person says, and at which event of the view. Without an answer of policy nobody may.
func (e *Engine) Authorize(ctx context.Context, inc *incident.Incident, person policies.Person) (Stored, uint64, error) {
	if inc.Asking() == nil {
		return Stored{}, 0, fmt.Errorf("authorize %s: nobody is asked about %s now", person.Name, inc.Name())
	}
	look, err := e.look(inc)
	if err != nil {
		return Stored{}, 0, err
	}
	now, err := e.stands(ctx)
	if err != nil {
		return Stored{}, 0, err
	}
	q := e.question(inc, look, incident.PhaseRecover, inc.Approval.Plan, now)
	q.About, q.Person = policies.AboutAuthorize, person
	got := e.ask(ctx, q, inc.Approval.Plan)
	return Stored{got.asked, got.answer}, look.Seq, nil
}
