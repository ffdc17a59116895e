package api

import (
	"net/http"
	"slices"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Plan is the plan of an incident: the one in force, or the one that was decided about last.
type Plan struct {
	Incident incident.ID       `json:"incident"`
	Name     string            `json:"name"`
	Cluster  string            `json:"cluster"`
	Anchor   string            `json:"anchor"`
	State    incident.State    `json:"state"`
	Phase    incident.Phase    `json:"phase"`
	InForce  bool              `json:"in_force"`
	Done     int               `json:"done"` // how many steps of a plan in force are done
	Plan     responders.Plan   `json:"plan"`
	Answer   policies.Decision `json:"answer"` // of policy, about this plan
}

// showPlan answers with the plan of an incident, or says why there is none.
func (a *API) showPlan(w http.ResponseWriter, r *http.Request) error {
	inc, err := a.load(r)
	if err != nil {
		return err
	}
	last := lastPlanned(inc)
	if last == nil {
		return noPlan(inc)
	}
	out := Plan{Incident: inc.ID, Name: inc.Name(), Cluster: inc.Key.Cluster, Anchor: inc.Fault.Anchor.String(), State: inc.State,
		Phase: last.Phase, Plan: *last.Plan, Answer: last.Answer}
	if inc.Plan != nil && inc.Plan.Digest == last.Plan.Digest {
		out.InForce, out.Done = inForce(inc.State), inc.Next
	}
	a.write(w, r, http.StatusOK, out)
	return nil
}

// inForce says whether a plan is being carried out in a state.
func inForce(s incident.State) bool {
	return s == incident.Acting || s == incident.Verifying || s == incident.Restoring
}

// lastPlanned is the last decision about a plan.
func lastPlanned(inc *incident.Incident) *incident.Decision {
	for _, rec := range slices.Backward(inc.History) {
		if rec.Decided != nil && rec.Decided.Plan != nil {
			return rec.Decided
		}
	}
	return nil
}

func noPlan(inc *incident.Incident) error {
	why := "none was worked out yet"
	if d := inc.Decision; d != nil && len(d.Answer.Held) > 0 {
		why = d.Answer.Held[0].Text
	}
	return &Refusal{http.StatusNotFound, "show the plan of " + inc.Name(), why, "see what happened: salvor incidents show " + inc.Name()}
}
