package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/internal/incident"
)

// filter says which incidents are wanted.
type filter struct {
	cluster string
	state   incident.State
	ended   bool
}

func filterOf(r *http.Request) (filter, error) {
	q := r.URL.Query()
	f := filter{cluster: q.Get("cluster"), state: incident.State(q.Get("state"))}
	switch all := q.Get("all"); all {
	case "", "false":
	case "true":
		f.ended = true
	default:
		return f, &Refusal{http.StatusBadRequest, "list incidents", fmt.Sprintf("all is %q", all), "give all=true or all=false"}
	}
	if states := incident.States()[1:]; f.state != "" && !slices.Contains(states, f.state) {
		return f, &Refusal{http.StatusBadRequest, "list incidents", fmt.Sprintf("no state is named %q", f.state), fmt.Sprintf("the states are %v", states)}
	}
	f.ended = f.ended || f.state == incident.Ended
	return f, nil
}

func (f filter) admits(inc *incident.Incident) bool {
	switch {
	case !inc.Live() && !f.ended:
		return false
	case f.state != "" && inc.State != f.state:
		return false
	}
	return f.cluster == "" || f.cluster == inc.Key.Cluster
}

// load reads the incident that the path names.
func (a *API) load(r *http.Request) (*incident.Incident, error) {
	return a.Find(r.Context(), r.PathValue("id"))
}

// Find reads the incident that text names. A whole id needs no looking for: others in the index may begin with it. A *Refusal says that text
// names none, or several.
func (a *API) Find(ctx context.Context, text string) (*incident.Incident, error) {
	if inc, err := a.Ledger.Load(ctx, incident.ID(text)); !errors.Is(err, a.Missing) {
		return inc, err
	}
	id, err := a.resolve(ctx, text)
	if err != nil {
		return nil, err
	}
	return a.Ledger.Load(ctx, id)
}

// resolve finds the incident that text names: by its id, by its short name (with or without "inc-"), or by the beginning of
// one of them that no other has. Where several have it, one that has not ended is meant if there is only one. What the index does
// not know is looked for in the ledger, which has what was archived.
func (a *API) resolve(ctx context.Context, text string) (incident.ID, error) {
	var all, live []incident.ID
	for _, inc := range a.Index.Incidents() {
		switch {
		case string(inc.ID) == text:
			return inc.ID, nil
		case !named(inc.ID, text):
			continue
		}
		all = append(all, inc.ID)
		if inc.Live() {
			live = append(live, inc.ID)
		}
	}
	if len(all) == 0 {
		var err error
		if all, err = a.Ledger.Named(ctx, text); err != nil {
			return "", err
		}
	}
	switch {
	case len(all) == 1:
		return all[0], nil
	case len(live) == 1:
		return live[0], nil
	case len(all) == 0:
		return "", &Refusal{http.StatusNotFound, fmt.Sprintf("find incident %q", text), "no incident has that name", "list them: salvor incidents --all"}
	}
	return "", &Refusal{http.StatusConflict, fmt.Sprintf("find incident %q", text), fmt.Sprintf("%d incidents begin with it", len(all)),
		"give the whole id: " + listOf(all)}
}

func named(id incident.ID, text string) bool {
	if text == "" {
		return false
	}
	return strings.HasPrefix(string(id), text) || strings.HasPrefix(id.Name(), text) || strings.HasPrefix(id.Name(), "inc-"+text)
}

// listOf names some ids.
func listOf(ids []incident.ID) string {
	const most = 5
	var names []string
	for _, id := range ids[:min(most, len(ids))] {
		names = append(names, string(id))
	}
	if len(ids) > most {
		names = append(names, "...")
	}
	return strings.Join(names, ", ")
}

// addAsked adds what policy was asked, when it is still kept: an incident is shown without it rather than not at all.
func (a *API) addAsked(ctx context.Context, into map[string]json.RawMessage, ref string) {
	if ref == "" || into[ref] != nil {
		return
	}
	doc, err := a.Ledger.ReadDecision(ctx, ref)
	switch {
	case err == nil:
		into[ref] = doc
	case !errors.Is(err, a.Missing):
		a.Log.WarnContext(ctx, "decision not read", "ref", ref, "error", err)
	}
}
