package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
)

func (f *fleet) Decisions(_ context.Context, from, to time.Time, give func(incident.StoredDecision) error) error {
	for _, d := range f.decisions {
		if d.StoredAt.Before(from) || !d.StoredAt.Before(to) {
			continue
		}
		if err := give(d); err != nil {
			return err
		}
	}
	return f.broken
}

func (f *fleet) DecisionsBegin(context.Context) (time.Time, error) {
	if len(f.decisions) == 0 {
		return time.Time{}, f.broken
	}
	return f.decisions[0].StoredAt, f.broken
}

// asks stores a decision, a minute after the one before.
func (f *fleet) asks(t *testing.T, n int, about policies.About, verdict policies.Verdict) incident.StoredDecision {
	t.Helper()
	inc := f.incidents[n]
	doc, err := json.Marshal(map[string]any{
		"question": policies.Question{About: about, Cluster: policies.ClusterFacts{Name: inc.Key.Cluster}, Fault: policies.FaultFacts{Kind: "node", Anchor: inc.Fault.Anchor.String()},
			Plan: policies.Proposal{Phase: "recover", Runbook: "node-failure", Digest: "d1"}},
		"decision": policies.Decision{Verdict: verdict, Would: policies.Act, Revision: "r1", Reasons: []policies.Reason{{Text: "so it is", Rule: "x.rego:1"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	seq := uint64(len(f.decisions) + 1)
	d := incident.StoredDecision{Asked: incident.Asked{Ref: fmt.Sprintf("%s/%d", inc.ID, seq), Sum: incident.SumOf(doc)}, Incident: inc.ID, Seq: seq,
		StoredAt: start.Add(-time.Hour).Add(time.Duration(seq) * time.Minute), Document: doc}
	f.decisions = append(f.decisions, d)
	return d
}

func TestDecisions(t *testing.T) {
	f := &fleet{docs: map[string]json.RawMessage{}}
	one, two := f.open(t, "prod-eu", "worker-1"), f.open(t, "prod-us", "worker-2")
	first := f.asks(t, one, policies.AboutDecision, policies.Deny)
	f.asks(t, one, policies.AboutDecision, policies.Act)
	f.asks(t, one, policies.AboutGate, policies.Act)
	f.asks(t, two, policies.AboutDecision, policies.Ask)
	broken := f.asks(t, two, policies.AboutGate, policies.Act)
	f.decisions[4].Document = json.RawMessage("{")
	f.docs[first.Ref], f.docs[broken.Ref] = first.Document, f.decisions[4].Document
	_, srv := serve(t, f)
	name := f.incidents[one].Name()
	for query, want := range map[string][]uint64{
		"":                             {1, 2, 3, 4, 5},
		"?cluster=prod-eu":             {1, 2, 3, 5}, // what cannot be read may be meant
		"?kind=zone":                   {5},
		"?verdict=act&about=gate":      {3, 5},
		"?incident=" + name:            {1, 2, 3},
		"?from=2026-03-01T02:14:04Z":   {3, 4, 5},
		"?to=2026-03-01T02:14:04Z":     {1, 2},
		"?limit=2":                     {1, 2},
		"?limit=2&after=2&verdict=act": {3, 5},
	} {
		page := read[Decisions](t, call(t, srv, "viewer", http.MethodGet, "/v1/decisions"+query, ""))
		var got []uint64
		for _, d := range page.Decisions {
			got = append(got, d.Seq)
		}
		if !slices.Equal(got, want) || !page.KeptSince.Equal(f.decisions[0].StoredAt) || (page.Next != nil) != (query == "?limit=2") {
			t.Errorf("%q: %v, want %v; kept since %s, next %+v", query, got, want, page.KeptSince, page.Next)
		}
		if strings.Contains(query, "limit") {
			continue
		}
		lines := call(t, srv, "viewer", http.MethodGet, "/v1/decisions?form=lines&"+strings.TrimPrefix(query, "?"), "")
		if n := strings.Count(lines.Body, "\n"); lines.Status != http.StatusOK || n != len(want)-strings.Count(fmt.Sprint(want), "5") {
			t.Errorf("%q: in full there are %d: %+v", query, n, lines)
		}
	}
	if r := call(t, srv, "viewer", http.MethodGet, "/v1/decisions?form=lines&to="+url.QueryEscape("2026-03-01T02:00:00Z"), ""); r != (reply{http.StatusOK, ""}) {
		t.Errorf("none in full: %+v", r)
	}
	short := read[Decisions](t, call(t, srv, "viewer", http.MethodGet, "/v1/decisions?limit=1", "")).Decisions[0]
	want := Decision{Ref: first.Ref, Sum: first.Sum, Seq: 1, StoredAt: first.StoredAt, Incident: first.Incident, Name: name, Cluster: "prod-eu", Kind: "node", Anchor: "node/worker-1",
		About: policies.AboutDecision, Phase: "recover", Runbook: "node-failure", Plan: "d1", Verdict: policies.Deny, Would: policies.Act, Reasons: []policies.Reason{{Text: "so it is", Rule: "x.rego:1"}}, Revision: "r1"}
	if diff := cmp.Diff(want, short); diff != "" {
		t.Errorf("in short (-want +got):\n%s", diff)
	}
	full := read[DecisionDocument](t, call(t, srv, "viewer", http.MethodGet, "/v1/decisions/"+name+"/1", ""))
	if diff := cmp.Diff(DecisionDocument{Ref: first.Ref, Sum: first.Sum, Incident: first.Incident, Document: first.Document}, full); diff != "" {
		t.Errorf("in full (-want +got):\n%s", diff)
	}
	for path, status := range map[string]int{
		"?verdict=perhaps": 400, "?kind=nod": 400, "?about=authorise": 400, "?limit=1001": 400, "?after=x": 400, "?form=xml": 400, "?from=x": 400, "?incident=nobody": 404,
		"/" + name + "/9": 404, "/nobody/1": 404, "/" + f.incidents[two].Name() + "/5": 500,
	} {
		if r := call(t, srv, "viewer", http.MethodGet, "/v1/decisions"+path, ""); r.Status != status {
			t.Errorf("%s: %+v, want %d", path, r, status)
		}
	}
}
