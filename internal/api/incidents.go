package api

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/responders"
)

// Summary is an incident in a list.
type Summary struct {
	ID       incident.ID        `json:"id"`
	Name     string             `json:"name"` // the short name for people
	Cluster  string             `json:"cluster"`
	Kind     classifiers.Kind   `json:"kind"`
	Anchor   string             `json:"anchor"` // "node/worker-1"
	Sentence string             `json:"sentence"`
	State    incident.State     `json:"state"`
	Live     bool               `json:"live"`
	OpenedAt time.Time          `json:"opened_at"`
	Since    time.Time          `json:"since"`          // when it came to its state
	Why      string             `json:"why"`            // what that was for
	Count    int                `json:"count"`          // how often the fault came, 1 at first
	Attempts int                `json:"attempts"`       // plans started
	Outcome  responders.Outcome `json:"outcome"`        // of the last plan's checks, "" before
	Step     int                `json:"step"`           // of the plan in force, the index of the step that is due
	Steps    int                `json:"steps"`          // of the plan in force, 0 without one
	Plan     string             `json:"plan,omitempty"` // digest of the plan in force
	Seq      uint64             `json:"seq"`            // of its last record
}

// Incident is an incident with all that is known of it.
type Incident struct {
	Summary
	Fault   classifiers.Fault          `json:"fault"`
	Seen    string                     `json:"seen,omitempty"`   // the fault as it is seen now, while it lives
	Misses  []classifiers.Miss         `json:"misses,omitempty"` // the rules that do not match now, while it lives; the records have those of their time
	History []Record                   `json:"history"`
	Asked   map[string]json.RawMessage `json:"asked"` // what policy was asked and answered, by Decision.Ref, the last 16 that are kept
}

// maxAsked bounds how many decisions an answer holds in full, the last ones.
const maxAsked = 16

// Record is one record of a history, or of the stream, with its place.
type Record struct {
	Seq      uint64    `json:"seq"`
	StoredAt time.Time `json:"stored_at"`
	incident.Record
}

// Sequenced is the record as package incident folds it.
func (r Record) Sequenced() incident.Sequenced {
	return incident.Sequenced{Record: r.Record, Seq: r.Seq, StoredAt: r.StoredAt}
}

func recordOf(rec incident.Sequenced) Record { return Record{rec.Seq, rec.StoredAt, rec.Record} }

func summaryOf(inc *incident.Incident) Summary {
	s := Summary{
		ID: inc.ID, Name: inc.Name(), Cluster: inc.Key.Cluster, Kind: inc.Fault.Kind, Anchor: inc.Fault.Anchor.String(),
		Sentence: inc.Fault.Sentence, State: inc.State, Live: inc.Live(), OpenedAt: inc.OpenedAt, Since: inc.Since, Why: inc.Why,
		Count: inc.Count, Attempts: inc.Attempts, Outcome: inc.Outcome, Seq: inc.Seq,
	}
	if inc.Plan != nil {
		s.Step, s.Steps, s.Plan = inc.Next, len(inc.Plan.Steps), inc.Plan.Digest
	}
	return s
}

// listIncidents answers with the live incidents, the oldest first; all=true adds those that have ended.
func (a *API) listIncidents(w http.ResponseWriter, r *http.Request) error {
	want, err := filterOf(r)
	if err != nil {
		return err
	}
	list := []Summary{}
	for _, inc := range a.Index.Incidents() {
		if want.admits(&inc) {
			list = append(list, summaryOf(&inc))
		}
	}
	slices.SortStableFunc(list, func(x, y Summary) int { return cmp.Or(x.OpenedAt.Compare(y.OpenedAt), cmp.Compare(x.ID, y.ID)) })
	a.write(w, r, http.StatusOK, list)
	return nil
}

func (a *API) showIncident(w http.ResponseWriter, r *http.Request) error {
	inc, err := a.load(r)
	if err != nil {
		return err
	}
	out := Incident{Summary: summaryOf(inc), Fault: inc.Fault, History: []Record{}, Asked: map[string]json.RawMessage{}}
	if inc.Live() {
		out.Seen, out.Misses = a.View.Sentence(inc.Fault), a.View.Misses(inc.Fault)
	}
	for _, rec := range inc.History {
		out.History = append(out.History, recordOf(rec))
	}
	for _, rec := range slices.Backward(inc.History) {
		if rec.Decided != nil && len(out.Asked) < maxAsked {
			a.addAsked(r.Context(), out.Asked, rec.Decided.Ref)
		}
	}
	a.write(w, r, http.StatusOK, out)
	return nil
}
