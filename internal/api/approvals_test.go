package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/salvor-io/salvor/internal/approval"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/policies"
)

// Say takes whatever is said, unless it is told to refuse it.
func (f *fleet) Say(ctx context.Context, who people.Person, id incident.ID, said approval.Said) (*incident.Incident, error) {
	if f.refuse != nil {
		return nil, f.refuse
	}
	inc, err := f.Load(ctx, id)
	if err != nil {
		return nil, err
	}
	f.said = append(f.said, said)
	return inc, inc.Apply(incident.Sequenced{Record: incident.Record{Schema: incident.Schema, Kind: incident.Voted, At: inc.Approval.Since, Text: who.Name + " has spoken",
		Ballot: &incident.Ballot{Person: who.Name, Groups: who.Groups, Says: said.Voice, Plan: inc.Approval.Plan.Digest}}, Seq: inc.Seq + 1})
}

// Stop takes whatever is to be stopped, unless it is told to refuse it.
func (f *fleet) Stop(ctx context.Context, _ people.Person, id incident.ID, halt approval.Halt) (*incident.Incident, error) {
	f.halts = append(f.halts, halt)
	if f.refuse != nil {
		return nil, f.refuse
	}
	return f.Load(ctx, id)
}

// BreakGlass takes whatever is said, unless it is told to refuse it.
func (f *fleet) BreakGlass(ctx context.Context, _ people.Person, id incident.ID, b approval.Break) (*incident.Incident, error) {
	f.breaks = append(f.breaks, b)
	if f.refuse != nil {
		return nil, f.refuse
	}
	return f.Load(ctx, id)
}

func TestBreakGlass(t *testing.T) {
	f := &fleet{}
	_, srv := serve(t, f)
	n := f.open(t, "prod-eu", "a")
	path := "/v1/incidents/" + f.incidents[n].Name() + "/break-glass"
	got := read[SaidAnswer](t, call(t, srv, "operator", http.MethodPost, path, `{"plan":"4f2a","reason":"the bundle server burnt"}`))
	if got.Name != f.incidents[n].Name() || len(f.breaks) != 1 || f.breaks[0] != (approval.Break{Plan: "4f2a", Reason: "the bundle server burnt"}) {
		t.Errorf("%+v of %+v", got, f.breaks)
	}
	f.refuse = &approval.Refusal{Cause: approval.NotAuthorised, Why: "so it is", Do: "do that"}
	if r := call(t, srv, "viewer", http.MethodPost, path, `{"plan":"4f2a"}`); r.Status != http.StatusForbidden || !strings.Contains(r.Body, "break the glass for inc-") {
		t.Errorf("refused: %+v", r)
	}
	if r := call(t, srv, "", http.MethodPost, path, `{}`); r.Status != http.StatusUnauthorized {
		t.Errorf("a stranger: %+v", r)
	}
}

func TestStopPlan(t *testing.T) {
	f := &fleet{}
	_, srv := serve(t, f)
	n := f.open(t, "prod-eu", "a")
	path := "/v1/incidents/" + f.incidents[n].Name() + "/stops"
	got := read[SaidAnswer](t, call(t, srv, "operator", http.MethodPost, path, `{"plan":"4f2a","undo":true,"reason":"back"}`))
	if got.Name != f.incidents[n].Name() || len(f.halts) != 1 || f.halts[0] != (approval.Halt{Plan: "4f2a", Undo: true, Reason: "back"}) {
		t.Errorf("%+v of %+v", got, f.halts)
	}
	f.refuse = &approval.Refusal{Cause: approval.SaidBefore, Why: "so it is", Do: "do that"}
	if r := call(t, srv, "operator", http.MethodPost, path, `{"plan":"4f2a"}`); r.Status != http.StatusGone || !strings.Contains(r.Body, "stop inc-") {
		t.Errorf("refused: %+v", r)
	}
	for caller, status := range map[string]int{"": http.StatusUnauthorized, "operator": http.StatusBadRequest} {
		if r := call(t, srv, caller, http.MethodPost, path, `{"undone":true}`); r.Status != status {
			t.Errorf("%q: %+v", caller, r)
		}
	}
	if r := call(t, srv, "operator", http.MethodGet, path, ""); r.Status/100 == 2 {
		t.Errorf("reading stops something: %+v", r)
	}
}

func TestApprovalsAreListed(t *testing.T) {
	f := &fleet{}
	_, srv := serve(t, f)
	if got := read[[]Approval](t, call(t, srv, "viewer", http.MethodGet, "/v1/approvals", "")); len(got) != 0 {
		t.Errorf("nothing is asked, and %v is listed", got)
	}
	f.decide(t, f.open(t, "prod-eu", "a"), policies.Deny)
	first := f.decide(t, f.open(t, "prod-eu", "b"), policies.Ask)
	f.decide(t, f.open(t, "prod-eu", "c"), policies.Ask)
	for caller, may := range map[string]bool{"viewer": false, "operator": true, "admin": false} {
		got := read[[]Approval](t, call(t, srv, caller, http.MethodGet, "/v1/approvals", ""))
		if len(got) != 2 || !got[0].Until.Before(got[1].Until) {
			t.Fatalf("%+v: want two, the most urgent first", got)
		}
		if a := got[0]; a.YouMay != may || a.Plan != first.Digest || a.Whom != "1 of sre" || a.Lacks != 1 || a.Round != 1 || a.Sentence != "b is silent" || len(a.Reasons) != 1 {
			t.Errorf("%s: %+v", caller, a)
		}
	}
}

func TestSay(t *testing.T) {
	f := &fleet{}
	_, srv := serve(t, f)
	n := f.open(t, "prod-eu", "a")
	f.decide(t, n, policies.Ask)
	path := "/v1/incidents/" + f.incidents[n].Name() + "/votes"
	got := read[SaidAnswer](t, call(t, srv, "operator", http.MethodPost, path, `{"says":"approve","plan":"4f2a","reason":"go"}`))
	if got.State != incident.Deciding || got.Why != "otto has spoken" || got.Approval != nil {
		t.Errorf("%+v", got)
	}
	if len(f.said) != 1 || f.said[0] != (approval.Said{Voice: incident.Approve, Plan: "4f2a", Reason: "go"}) {
		t.Errorf("said %+v", f.said)
	}
	for cause, status := range map[approval.Cause]int{approval.NotAuthorised: 403, approval.Incomplete: 400, approval.PlanChanged: 412,
		approval.Decided: 410, approval.TooLate: 410, approval.NotAsked: 410, approval.SaidBefore: 410} {
		f.refuse = &approval.Refusal{Cause: cause, Why: "so it is", Do: "do that"}
		r := call(t, srv, "viewer", http.MethodPost, path, `{"says":"approve","plan":"4f2a"}`)
		var refused Refusal
		if err := json.Unmarshal([]byte(r.Body), &refused); err != nil || r.Status != status || refused.Why != "so it is" || refused.Do != "do that" || !strings.HasPrefix(refused.What, "approve inc-") {
			t.Errorf("%s: %+v", cause, r)
		}
	}
	f.refuse = nil
	for body, status := range map[string]int{`{"say":"approve"}`: 400, `{} {}`: 400, `nonsense`: 400} {
		if r := call(t, srv, "operator", http.MethodPost, path, body); r.Status != status {
			t.Errorf("%s: %+v", body, r)
		}
	}
	if r := call(t, srv, "operator", http.MethodPost, "/v1/incidents/inc-none/votes", `{"says":"approve","plan":"4f2a"}`); r.Status != http.StatusNotFound {
		t.Errorf("no incident: %+v", r)
	}
	if r := call(t, srv, "", http.MethodPost, path, `{"says":"approve","plan":"4f2a"}`); r.Status != http.StatusUnauthorized {
		t.Errorf("a stranger: %+v", r)
	}
}
