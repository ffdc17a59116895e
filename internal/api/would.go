package api

import (
	"net/http"
	"slices"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
)

// Would is a plan that the mode or a brake held back, though rules and class would have let it go further.
type Would struct {
	At       time.Time         `json:"at"`
	Incident incident.ID       `json:"incident"`
	Name     string            `json:"name"`
	Cluster  string            `json:"cluster"`
	Kind     classifiers.Kind  `json:"kind"`
	Anchor   string            `json:"anchor"`
	Phase    incident.Phase    `json:"phase"`
	Verdict  policies.Verdict  `json:"verdict"`
	Would    policies.Verdict  `json:"would"`
	Held     []policies.Reason `json:"held"`
	Runbook  string            `json:"runbook"`
	Plan     string            `json:"plan"` // its digest
	Class    policies.Class    `json:"class"`
	Targets  []policies.Target `json:"targets"`
}

// listWould answers with what was held back since the time from of the query, by default within a week: in all clusters, or in the one
// that the query names, the oldest first.
func (a *API) listWould(w http.ResponseWriter, r *http.Request) error {
	from, _, err := a.spanOf(r, "list what was held back", 7*24*time.Hour)
	if err != nil {
		return err
	}
	incidents, err := a.Past.Since(r.Context(), from)
	if err != nil {
		return err
	}
	cluster, list := r.URL.Query().Get("cluster"), []Would{}
	for _, inc := range incidents {
		for _, rec := range inc.History {
			if rec.Decided != nil && !rec.At.Before(from) && (cluster == "" || cluster == inc.Key.Cluster) {
				list = append(list, heldBack(&inc, rec)...)
			}
		}
	}
	slices.SortStableFunc(list, func(x, y Would) int { return x.At.Compare(y.At) })
	a.write(w, r, http.StatusOK, list)
	return nil
}

// heldBack is the one thing that a decision held back, or nothing.
func heldBack(inc *incident.Incident, rec incident.Sequenced) []Would {
	d := rec.Decided
	if d.Plan == nil || d.Answer.Would <= d.Answer.Verdict {
		return nil
	}
	return []Would{{At: rec.At, Incident: inc.ID, Name: inc.Name(), Cluster: inc.Key.Cluster, Kind: inc.Fault.Kind, Anchor: inc.Fault.Anchor.String(),
		Phase: d.Phase, Verdict: d.Answer.Verdict, Would: d.Answer.Would, Held: d.Answer.Held, Runbook: d.Plan.Runbook, Plan: d.Plan.Digest,
		Class: d.Plan.Class(), Targets: d.Plan.Targets()}}
}
