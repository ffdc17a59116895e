package recovery

import (
	"context"
	"fmt"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Authorize asks policy whether a person may say something about the plan that people are asked about, stop the one that is worked on, or
// have one run that is held back. It
// returns what was asked and answered, to be stored beside what the person says, and at which event of the view. Without an answer of policy
// nobody may approve.
func (e *Engine) Authorize(ctx context.Context, inc *incident.Incident, person policies.Person) (Stored, uint64, error) {
	plan, phase := spokenOf(inc)
	if plan == nil {
		return Stored{}, 0, fmt.Errorf("authorize %s: there is no plan of %s to say anything about now", person.Name, inc.Name())
	}
	look, err := e.look(inc)
	if err != nil {
		return Stored{}, 0, err
	}
	now, err := e.stands(ctx)
	if err != nil {
		return Stored{}, 0, err
	}
	q := e.question(inc, look, phase, plan, now)
	q.About, q.Person = policies.AboutAuthorize, person
	got := e.ask(ctx, q, plan)
	return Stored{Question: got.asked, Decision: got.answer, Declarer: e.declarer(inc)}, look.Seq, nil
}

// declarer is who declared the fault to an identity provider, "" where the name in the question says it.
func (e *Engine) declarer(inc *incident.Incident) (subject string) {
	e.Sights.Ask(func(v *classifiers.View) {
		if c, ok := v.Clusters[inc.Key.Cluster]; ok {
			if d, said := c.LastDeclared(inc.Fault.Kind, inc.Fault.Anchor); said && d.Stands(v.Now) {
				subject = d.Subject
			}
		}
	})
	return subject
}

// spokenOf is the plan that people can say something about now.
func spokenOf(inc *incident.Incident) (*responders.Plan, incident.Phase) {
	if inc.Asking() != nil {
		return inc.Approval.Plan, incident.PhaseRecover
	}
	if inc.Working() {
		return inc.Plan, inc.Phase
	}
	if plan := inc.Halting(); plan != nil {
		return plan, incident.PhaseRecover
	}
	if inc.State == incident.Held && inc.Decision != nil {
		return inc.Decision.Plan, incident.PhaseRecover
	}
	return nil, incident.PhaseRecover
}
