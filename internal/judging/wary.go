package judging

import (
	"context"
	"slices"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/pipeline"
	"github.com/salvor-io/salvor/responders"
)

// wary plans for a zone or a region that people declared with those of its nodes alone that are seen to be lost now. What people say
// keeps such an incident alive while nodes that were lost when it was opened come back: those are no targets any more.
type wary struct {
	*Books
	look func(*incident.Incident) pipeline.Look
}

// Plan works out a runbook for an incident. What takes a plan back is about all nodes that the plan was about.
func (w wary) Plan(ctx context.Context, name string, phase incident.Phase, inc *incident.Incident, env responders.Env) (responders.Plan, error) {
	if phase == incident.PhaseRecover {
		inc = narrowed(inc, w.look(inc).Sight.Finding)
	}
	return w.Books.Plan(ctx, name, phase, inc, env)
}

// narrowed is the incident without the nodes that are not lost any more.
func narrowed(inc *incident.Incident, finding *classifiers.Finding) *incident.Incident {
	wide := inc.Fault.Kind == classifiers.KindZone || inc.Fault.Kind == classifiers.KindRegion
	if !wide || finding == nil || !finding.Declared() {
		return inc
	}
	out := *inc
	out.Fault.Scope.Nodes = slices.DeleteFunc(slices.Clone(inc.Fault.Scope.Nodes), func(name string) bool { return !slices.Contains(finding.Scope.Nodes, name) })
	return &out
}
