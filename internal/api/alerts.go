package api

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
)

// Alert is an alert as the view has it: firing, or resolved within the last hour. What judgements are not made of is not in the view:
// annotations, the end, receiver and generatorURL.
type Alert struct {
	Cluster string `json:"cluster"`
	events.Alert
	At time.Time `json:"at"` // when its last report was recorded
}

func alertOf(a *classifiers.AlertView) events.Alert {
	return events.Alert{Fingerprint: a.Fingerprint, Status: a.Status(), Name: a.Name, Labels: a.Labels, StartsAt: a.StartsAt, Truncated: a.Truncated, Kinds: a.Kinds}
}

// listAlerts answers with the alerts of the view, those of the cluster and the name that the query gives, sorted by cluster
// and fingerprint.
func (a *API) listAlerts(w http.ResponseWriter, r *http.Request) error {
	cluster, name := r.URL.Query().Get("cluster"), r.URL.Query().Get("name")
	list := []Alert{}
	a.View.Ask(func(v *classifiers.View) {
		for _, c := range v.Clusters {
			if cluster != "" && cluster != c.Name {
				continue
			}
			for _, seen := range c.Alerts {
				if name == "" || name == seen.Name {
					list = append(list, Alert{c.Name, alertOf(seen), seen.At})
				}
			}
		}
	})
	slices.SortFunc(list, func(x, y Alert) int {
		return cmp.Or(cmp.Compare(x.Cluster, y.Cluster), cmp.Compare(x.Fingerprint, y.Fingerprint))
	})
	a.write(w, r, http.StatusOK, list)
	return nil
}
