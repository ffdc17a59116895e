package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/approval"
	"github.com/salvor-io/salvor/internal/chronicle"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

var (
	errMissing = errors.New("not found")
	start      = time.Date(2026, 3, 1, 3, 11, 4, 0, time.UTC)
)

// fleet stands in for the pipeline and the ledger.
type fleet struct {
	mu        sync.Mutex
	incidents []incident.Incident
	archived  []incident.Incident
	view      *classifiers.View
	docs      map[string]json.RawMessage
	decisions []incident.StoredDecision
	pauses    []policies.Pause
	broken    error
	seq       uint64
	told      []events.Recorded // to the view
	lost      int               // events that are taken and not answered, from now on
	said      []approval.Said   // of what is asked
	breaks    []approval.Break
	halts     []approval.Halt
	refuse    error // what is said of it
	export    func(ctx context.Context, w io.Writer, from, to time.Time) error
}

func (f *fleet) Since(_ context.Context, t time.Time) ([]incident.Incident, error) {
	var out []incident.Incident
	for _, inc := range append(f.Incidents(), f.archived...) {
		if inc.Live() || !inc.Since.Before(t) {
			out = append(out, inc)
		}
	}
	return out, f.broken
}

func (f *fleet) Export(ctx context.Context, w io.Writer, from, to time.Time) error {
	if f.export == nil {
		_, err := fmt.Fprintln(w, from.Format(time.RFC3339), to.Format(time.RFC3339))
		return err
	}
	return f.export(ctx, w, from, to)
}

func (f *fleet) Incidents() []incident.Incident {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]incident.Incident(nil), f.incidents...)
}

// Misses says that the fault is no zone.
func (f *fleet) Misses(fault classifiers.Fault) []classifiers.Miss {
	return []classifiers.Miss{{Rule: "zone", Have: 1, Need: 7, Unit: "nodes", Text: fault.Anchor.Name + " alone"}}
}

// Sentence says that it has grown.
func (f *fleet) Sentence(fault classifiers.Fault) string { return fault.Sentence + " still" }

func (f *fleet) Load(_ context.Context, id incident.ID) (*incident.Incident, error) {
	for _, inc := range append(f.Incidents(), f.archived...) {
		if inc.ID == id && f.broken == nil {
			return &inc, nil
		}
	}
	if f.broken != nil {
		return nil, f.broken
	}
	return nil, fmt.Errorf("load %s: %w", id, errMissing)
}

func (f *fleet) Named(_ context.Context, text string) ([]incident.ID, error) {
	var ids []incident.ID
	for _, inc := range append(f.Incidents(), f.archived...) {
		if named(inc.ID, text) {
			ids = append(ids, inc.ID)
		}
	}
	return ids, f.broken
}

func (f *fleet) ReadDecision(_ context.Context, ref string) (json.RawMessage, error) {
	if doc, ok := f.docs[ref]; ok {
		return doc, nil
	}
	return nil, errMissing
}

func (f *fleet) Pauses(context.Context) ([]policies.Pause, error) { return f.pauses, f.broken }

func (f *fleet) SetPause(_ context.Context, p policies.Pause) error {
	f.pauses = append(f.pauses, p)
	return f.broken
}

func (f *fleet) EndPause(_ context.Context, scope policies.Pause) error {
	for i, p := range f.pauses {
		if p.Scope() == scope.Scope() {
			f.pauses = append(f.pauses[:i], f.pauses[i+1:]...)
			return nil
		}
	}
	return fmt.Errorf("end pause: %w", errMissing)
}

// open adds an incident and returns its index.
func (f *fleet) open(t *testing.T, cluster, node string) int {
	t.Helper()
	fault := classifiers.Fault{Kind: classifiers.KindNode, Cluster: cluster, Anchor: classifiers.Anchor{Kind: "node", Name: node, UID: "uid-" + node}, Sentence: node + " is silent"}
	key := incident.KeyOf(fault)
	f.mu.Lock()
	f.incidents = append(f.incidents, incident.Incident{})
	n := len(f.incidents) - 1
	id := incident.IDOf(key, f.seq+1)
	f.mu.Unlock()
	f.add(t, n, incident.Record{Kind: incident.Opened, Incident: id, Key: &key, Fault: &fault, Text: fault.Sentence})
	return n
}

func (f *fleet) add(t *testing.T, n int, rec incident.Record) incident.Sequenced {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seq++
	if rec.Incident == "" {
		rec.Incident = f.incidents[n].ID
	}
	rec.Schema, rec.At = incident.Schema, start.Add(time.Duration(f.seq)*time.Second)
	out := incident.Sequenced{Record: rec, Seq: f.seq, StoredAt: rec.At}
	inc := f.incidents[n]
	inc.History = append([]incident.Sequenced(nil), inc.History...)
	if err := inc.Apply(out); err != nil {
		t.Fatal(err)
	}
	f.incidents[n] = inc
	return out
}

func (f *fleet) decide(t *testing.T, n int, verdict policies.Verdict) *responders.Plan {
	t.Helper()
	plan, err := responders.Plan{Runbook: "node-failure", Cluster: "prod-eu", Steps: []responders.Step{{Name: "cordon", Change: responders.Change{Responder: "node.cordon", Class: policies.Reversible}}}}.Seal()
	if err != nil {
		t.Fatal(err)
	}
	answer := policies.Decision{Verdict: verdict, Would: verdict, Reasons: []policies.Reason{{Text: "so it is", Rule: "x.rego:1"}}, Held: []policies.Reason{}}
	if verdict == policies.Ask {
		answer.Asks = &policies.Asks{Needs: []policies.Need{{Groups: []string{"sre"}, Votes: 1}}, Votes: 1, WithinS: 600, OnTimeout: "expire", EscalateTo: []string{}}
	}
	f.add(t, n, incident.Record{Kind: incident.Decided, Text: verdict.String(), Decided: &incident.Decision{Phase: incident.PhaseRecover, Asked: incident.Asked{Ref: fmt.Sprintf("ref/%d", f.seq)},
		Plan: &plan, Answer: answer}})
	return &plan
}

func serve(t *testing.T, f *fleet) (*API, *httptest.Server) {
	t.Helper()
	known, err := people.NewDirectory([]people.Entry{
		{Name: "vera", Role: people.Viewer, TokenSHA256: people.HashToken("viewer")},
		{Name: "otto", Role: people.Operator, Groups: []string{"sre"}, TokenSHA256: people.HashToken("operator")},
		{Name: "ada", Role: people.Admin, TokenSHA256: people.HashToken("admin")},
	}, -1)
	if err != nil {
		t.Fatal(err)
	}
	a := New(Options{Index: f, Past: f, Exporter: f, Auditor: f, View: f, Ledger: f, DecisionLog: f, Pauses: f, Policy: f, Approvals: f, Runbooks: f, Events: f, Declared: classifiers.Declared{}, Missing: errMissing, Clusters: []string{"prod-eu"}, People: known,
		Version: Version{Version: "v1", Commit: "abc", Go: "go1"}, Clock: func() time.Time { return start }, Log: slog.New(slog.DiscardHandler)})
	srv := httptest.NewServer(a.Handler())
	t.Cleanup(srv.Close)
	t.Cleanup(a.EndStreams)
	return a, srv
}

type reply struct {
	Status int
	Body   string
}

func call(t *testing.T, srv *httptest.Server, token, method, path, body string) reply {
	t.Helper()
	req, err := http.NewRequest(method, srv.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, string(text)}
}

func read[T any](t *testing.T, r reply) T {
	t.Helper()
	var out T
	if r.Status/100 != 2 {
		t.Fatalf("answer %d: %s", r.Status, r.Body)
	}
	if err := json.Unmarshal([]byte(r.Body), &out); err != nil {
		t.Fatalf("%v: %s", err, r.Body)
	}
	return out
}

// TestRoles goes through every path as everybody.
func TestRoles(t *testing.T) {
	f := &fleet{view: classifiers.NewView(nil)}
	n := f.open(t, "prod-eu", "worker-1")
	f.decide(t, n, policies.Deny)
	_, srv := serve(t, f)
	pause := `{"for":"1h","reason":"x"}`
	for _, c := range []struct {
		method, path, body        string
		nobody, viewer, operators int
	}{
		{"GET", "/v1/incidents", "", 401, 200, 200},
		{"GET", "/v1/incidents/" + f.incidents[0].Name(), "", 401, 200, 200},
		{"GET", "/v1/incidents/" + f.incidents[0].Name() + "/plan", "", 401, 200, 200},
		{"GET", "/v1/incidents/none", "", 401, 404, 404},
		{"GET", "/v1/stream?after=x", "", 401, 400, 400},
		{"GET", "/v1/would", "", 401, 200, 200},
		{"GET", "/v1/would?from=x", "", 401, 400, 400},
		{"GET", "/v1/export", "", 401, 200, 200},
		{"GET", "/v1/export?to=x", "", 401, 400, 400},
		{"GET", "/v1/export?from=2026-03-01T03:11:05Z", "", 401, 400, 400},
		{"GET", "/v1/alerts", "", 401, 200, 200},
		{"GET", "/v1/pauses", "", 401, 200, 200},
		{"POST", "/v1/pauses", pause, 401, 403, 201},
		{"DELETE", "/v1/pauses", "", 401, 403, 204},
		{"DELETE", "/v1/pauses?cluster=none", "", 401, 403, 404},
		{"POST", "/v1/declarations", `{"cluster":"prod-eu","kind":"region","for":"4h","reason":"x"}`, 401, 403, 201},
		{"POST", "/v1/declarations", `{"cluster":"prod-eu","kind":"node","name":"w9","for":"4h","reason":"x"}`, 401, 403, 404},
		{"DELETE", "/v1/declarations?cluster=prod-eu&kind=region", "", 401, 403, 204},
		{"DELETE", "/v1/declarations?cluster=prod-eu&kind=region", "", 401, 403, 404},
		{"GET", "/v1/policy", "", 401, 200, 200},
		{"POST", "/v1/policy/activate", `{"revision":"bbb"}`, 401, 403, 403},
		{"GET", "/v1/version", "", 401, 200, 200},
		{"GET", "/v1/me", "", 401, 200, 200},
		{"GET", "/v1/other", "", 401, 404, 404},
		{"POST", "/v1/incidents", "", 401, 404, 404},
	} {
		got := [3]int{}
		for i, token := range []string{"wrong", "viewer", "operator"} {
			r := call(t, srv, token, c.method, c.path, c.body)
			got[i] = r.Status
			var refusal Refusal
			if r.Status >= 400 && (json.Unmarshal([]byte(r.Body), &refusal) != nil || refusal.What == "" || refusal.Why == "" || refusal.Do == "") {
				t.Errorf("%s %s as %s: not a refusal with what, why and do: %s", c.method, c.path, token, r.Body)
			}
		}
		if want := [3]int{c.nobody, c.viewer, c.operators}; got != want {
			t.Errorf("%s %s: %v for nobody, viewer, operator, want %v", c.method, c.path, got, want)
		}
	}
	if len(f.pauses) != 0 {
		t.Errorf("after pause and resume: %v", f.pauses)
	}
}

// TestReadingChangesNothing holds that no GET pauses or resumes anything.
func TestReadingChangesNothing(t *testing.T) {
	f := &fleet{pauses: []policies.Pause{{Owner: "x", Until: start.Add(time.Hour)}}}
	_, srv := serve(t, f)
	for _, path := range []string{"/v1/pauses?cluster=prod-eu&for=1h&reason=x", "/v1/pauses"} {
		call(t, srv, "operator", http.MethodGet, path, `{"for":"1h","reason":"x"}`)
	}
	if len(f.pauses) != 1 {
		t.Errorf("pauses after GET: %v", f.pauses)
	}
}

func TestListIncidents(t *testing.T) {
	f := &fleet{}
	f.open(t, "prod-eu", "a")
	held := f.open(t, "prod-eu", "b")
	f.decide(t, held, policies.Deny)
	ended := f.open(t, "prod-us", "c")
	f.add(t, ended, incident.Record{Kind: incident.Cleared})
	f.add(t, ended, incident.Record{Kind: incident.Closed})
	_, srv := serve(t, f)
	for query, want := range map[string]string{
		"":                            "node/a node/b",
		"?all=true":                   "node/a node/b node/c",
		"?state=held":                 "node/b",
		"?state=closed":               "node/c",
		"?cluster=prod-us":            "",
		"?cluster=prod-us&all=true":   "node/c",
		"?cluster=prod-eu&all=false":  "node/a node/b",
		"?state=held&cluster=nowhere": "",
	} {
		var got []string
		for _, s := range read[[]Summary](t, call(t, srv, "viewer", "GET", "/v1/incidents"+query, "")) {
			got = append(got, s.Anchor)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q lists %v, want %s", query, got, want)
		}
	}
	for _, query := range []string{"?all=maybe", "?state=broken"} {
		if r := call(t, srv, "viewer", "GET", "/v1/incidents"+query, ""); r.Status != http.StatusBadRequest {
			t.Errorf("%s: %d", query, r.Status)
		}
	}
	if r := call(t, srv, "viewer", "GET", "/v1/incidents?cluster=nowhere", ""); r.Body != "[]\n" {
		t.Errorf("an empty list is %q", r.Body)
	}
}

func TestShowIncident(t *testing.T) {
	f := &fleet{docs: map[string]json.RawMessage{}}
	n := f.open(t, "prod-eu", "worker-1")
	plan := f.decide(t, n, policies.Act)
	ref := f.incidents[n].Decision.Ref
	f.docs[ref] = json.RawMessage(`{"question":{"mode":"act"}}`)
	_, srv := serve(t, f)
	inc := f.incidents[n]
	got := read[Incident](t, call(t, srv, "viewer", "GET", "/v1/incidents/"+string(inc.ID), ""))
	want := Incident{Summary: Summary{ID: inc.ID, Name: inc.Name(), Cluster: "prod-eu", Kind: "node", Anchor: "node/worker-1", Sentence: "worker-1 is silent",
		State: incident.Acting, Live: true, OpenedAt: inc.OpenedAt, Since: inc.Since, Why: "act", Count: 1, Attempts: 1, Steps: 1, Plan: plan.Digest, Seq: 2},
		Fault: inc.Fault, Seen: "worker-1 is silent still", Misses: f.Misses(inc.Fault), Asked: f.docs}
	for _, rec := range inc.History {
		want.History = append(want.History, recordOf(rec))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("incident differs (-want +got):\n%s", diff)
	}
	// What was sent folds to what was kept.
	var history []incident.Sequenced
	for _, rec := range got.History {
		history = append(history, rec.Sequenced())
	}
	again, err := incident.Fold(history)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&inc, again); diff != "" {
		t.Errorf("folded anew it differs (-want +got):\n%s", diff)
	}
}

func TestResolve(t *testing.T) {
	f := &fleet{}
	for _, node := range []string{"a", "b"} {
		f.open(t, "prod-eu", node)
	}
	// The same fault, last week: one id begins like the other, and only one lives.
	ended := f.open(t, "prod-eu", "b")
	f.add(t, ended, incident.Record{Kind: incident.Cleared})
	f.add(t, ended, incident.Record{Kind: incident.Closed})
	a, b, old := f.incidents[0], f.incidents[1], f.incidents[2]
	api, srv := serve(t, f)
	hash, _, _ := strings.Cut(string(b.ID), "-")
	for text, want := range map[string]incident.ID{
		string(a.ID): a.ID, a.Name(): a.ID, strings.TrimPrefix(a.Name(), "inc-"): a.ID, string(a.ID)[:8]: a.ID,
		string(old.ID): old.ID, old.Name(): old.ID, hash: b.ID,
	} {
		if got, err := api.resolve(t.Context(), text); err != nil || got != want {
			t.Errorf("%q is %s (%v), want %s", text, got, err, want)
		}
	}
	if r := call(t, srv, "viewer", "GET", "/v1/incidents/inc-", ""); r.Status != http.StatusConflict || !strings.Contains(r.Body, string(a.ID)) {
		t.Errorf("an ambiguous name: %d %s", r.Status, r.Body)
	}
	for _, text := range []string{"inc-zzzzz", "", "x"} {
		if id, err := api.resolve(t.Context(), text); err == nil {
			t.Errorf("%q is %s", text, id)
		}
	}
}

// What was archived is shown as before, also where its id begins like that of an incident of the index.
func TestShowArchived(t *testing.T) {
	f := &fleet{}
	f.open(t, "prod-eu", "a")
	old := f.open(t, "prod-eu", "b")
	f.add(t, old, incident.Record{Kind: incident.Cleared})
	f.add(t, old, incident.Record{Kind: incident.Closed})
	f.archived, f.incidents = f.incidents[old:], f.incidents[:old:old]
	was := f.archived[0]
	next := f.open(t, "prod-eu", "b")
	f.archived[0].ID = incident.IDOf(was.Key, 2) // the next one's begins with it
	f.incidents[next].ID = incident.IDOf(was.Key, 20)
	_, srv := serve(t, f)
	for text, want := range map[string]incident.ID{
		string(f.archived[0].ID): f.archived[0].ID, string(f.incidents[next].ID): f.incidents[next].ID,
		f.archived[0].Name(): f.archived[0].ID, strings.TrimPrefix(f.archived[0].Name(), "inc-"): f.archived[0].ID,
	} {
		r := call(t, srv, "viewer", "GET", "/v1/incidents/"+text, "")
		var got Incident
		if err := json.Unmarshal([]byte(r.Body), &got); err != nil || r.Status != http.StatusOK || got.ID != want {
			t.Errorf("%s is %d %s (%v), want %s", text, r.Status, got.ID, err, want)
		}
	}
	f.archived = append(f.archived, f.archived[0])
	if r := call(t, srv, "viewer", "GET", "/v1/incidents/"+f.archived[0].Name(), ""); r.Status != http.StatusConflict {
		t.Errorf("a name of two archived ones: %d %s", r.Status, r.Body)
	}
	if r := call(t, srv, "viewer", "GET", "/v1/incidents/inc-zzzzz", ""); r.Status != http.StatusNotFound {
		t.Errorf("a name of none: %d %s", r.Status, r.Body)
	}
}

func TestShowPlan(t *testing.T) {
	f := &fleet{}
	f.open(t, "prod-eu", "none")
	held := f.open(t, "prod-eu", "held")
	f.decide(t, held, policies.Deny)
	acting := f.open(t, "prod-eu", "acting")
	plan := f.decide(t, acting, policies.Act)
	planless := f.open(t, "prod-eu", "planless")
	f.add(t, planless, incident.Record{Kind: incident.Decided, Decided: &incident.Decision{Phase: incident.PhaseRecover,
		Answer: policies.Decision{Held: []policies.Reason{{Text: "no runbook speaks of it"}}}}})
	_, srv := serve(t, f)
	path := func(n int) string { return "/v1/incidents/" + string(f.incidents[n].ID) + "/plan" }
	if r := call(t, srv, "viewer", "GET", path(0), ""); r.Status != http.StatusNotFound || !strings.Contains(r.Body, "none was worked out yet") {
		t.Errorf("without a plan: %d %s", r.Status, r.Body)
	}
	if r := call(t, srv, "viewer", "GET", path(planless), ""); r.Status != http.StatusNotFound || !strings.Contains(r.Body, "no runbook speaks of it") {
		t.Errorf("without a runbook: %d %s", r.Status, r.Body)
	}
	if p := read[Plan](t, call(t, srv, "viewer", "GET", path(held), "")); p.InForce || p.Plan.Digest != plan.Digest || p.Answer.Verdict != policies.Deny {
		t.Errorf("held: %+v", p)
	}
	if p := read[Plan](t, call(t, srv, "viewer", "GET", path(acting), "")); !p.InForce || p.Done != 0 || p.Plan.Digest != plan.Digest {
		t.Errorf("acting: %+v", p)
	}
	ref := incident.StepRef{Phase: incident.PhaseRecover, Plan: plan.Digest, Name: "cordon"}
	f.add(t, acting, incident.Record{Kind: incident.Intent, Step: &ref})
	f.add(t, acting, incident.Record{Kind: incident.Done, Step: &ref})
	f.add(t, acting, incident.Record{Kind: incident.Checked, Outcome: responders.OutcomeVerified})
	if p := read[Plan](t, call(t, srv, "viewer", "GET", path(acting), "")); p.InForce || p.Done != 1 {
		t.Errorf("recovered: in force %v, done %d", p.InForce, p.Done)
	}
}

func TestPause(t *testing.T) {
	for body, want := range map[string]policies.Pause{
		`{"for":"2h","reason":" network "}`: {Reason: "network", Until: start.Add(2 * time.Hour)},
		`{"cluster":"prod-eu","kind":"node","target":"node/w-1.x","for":"30m","reason":"x"}`: {
			Cluster: "prod-eu", Kind: "node", Target: "node/w-1.x", Reason: "x", Until: start.Add(30 * time.Minute)},
		`{"target":"pod/shop/web-0","for":"30m","reason":"x"}`: {Target: "pod/shop/web-0", Reason: "x", Until: start.Add(30 * time.Minute)},
	} {
		f := &fleet{}
		_, srv := serve(t, f)
		want.Owner, want.Since = "otto", start
		got := read[policies.Pause](t, call(t, srv, "operator", "POST", "/v1/pauses", body))
		if diff := cmp.Diff([]policies.Pause{want, want}, append([]policies.Pause{got}, f.pauses...)); diff != "" {
			t.Errorf("%s: answered and set differ (-want +got):\n%s", body, diff)
		}
	}
}

// book is a trail in memory.
type book struct{ entries []ledger.Placed }

func (b *book) Trail(context.Context, string) ([]ledger.Placed, error) { return b.entries, nil }

func (b *book) AppendTrail(_ context.Context, _ string, after uint64, e ledger.TrailEntry) (ledger.Placed, error) {
	b.entries = append(b.entries, ledger.Placed{TrailEntry: e, Seq: after + 1})
	return b.entries[after], nil
}

// TestReasonOfAPauseIsMasked: what somebody pasted is neither stored nor recorded, logged or shown.
func TestReasonOfAPauseIsMasked(t *testing.T) {
	const secret = "hunter2!"
	f, trail, log := &fleet{}, &book{}, &strings.Builder{}
	a, srv := serve(t, f)
	a.Log = slog.New(slog.NewTextHandler(log, nil))
	a.Pauses = chronicle.NewPauses(f, trail, a.Log)
	answer := call(t, srv, "operator", "POST", "/v1/pauses", `{"for":"1h","reason":"moving the database, password=`+secret+`"}`)
	if len(f.pauses) != 1 || f.pauses[0].Reason != "moving the database, password=***" {
		t.Errorf("stored are %+v", f.pauses)
	}
	if len(trail.entries) != 1 || !strings.HasSuffix(trail.entries[0].Text, ": moving the database, password=***") {
		t.Fatalf("recorded are %+v", trail.entries)
	}
	for what, text := range map[string]string{"the answer": answer.Body, "the trail": fmt.Sprintf("%s %s", trail.entries[0].Text, trail.entries[0].Detail), "the log": log.String()} {
		if strings.Contains(text, secret) || !strings.Contains(text, "moving the database") {
			t.Errorf("%s says %s", what, text)
		}
	}
}

func TestPauseRefused(t *testing.T) {
	f := &fleet{}
	_, srv := serve(t, f)
	for name, body := range map[string]string{
		"nothing": ``, "no json": `x`, "no reason": `{"for":"1h"}`, "blank reason": `{"for":"1h","reason":"  "}`,
		"no end": `{"reason":"x"}`, "no time": `{"for":"0s","reason":"x"}`, "the past": `{"for":"-1h","reason":"x"}`, "for ever": `{"for":"10000h","reason":"x"}`,
		"another cluster": `{"cluster":"prod-us","for":"1h","reason":"x"}`, "another kind": `{"kind":"nodes","for":"1h","reason":"x"}`,
		"a bare target": `{"target":"worker-1","for":"1h","reason":"x"}`, "a wildcard": `{"target":"node/*","for":"1h","reason":"x"}`,
		"another key": `{"owner":"root","for":"1h","reason":"x"}`, "two": `{"for":"1h","reason":"x"}{}`,
		"a long reason": `{"for":"1h","reason":"` + strings.Repeat("x", 501) + `"}`, "a long body": `{"reason":"` + strings.Repeat("x", 20<<10) + `"}`,
	} {
		if r := call(t, srv, "operator", "POST", "/v1/pauses", body); r.Status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
	if len(f.pauses) > 0 {
		t.Errorf("set nevertheless: %v", f.pauses)
	}
}

func TestStoreAway(t *testing.T) {
	f := &fleet{}
	f.open(t, "prod-eu", "a")
	f.broken = errors.New("nats is away")
	_, srv := serve(t, f)
	for _, path := range []string{"/v1/incidents/" + string(f.incidents[0].ID), "/v1/pauses"} {
		if r := call(t, srv, "viewer", "GET", path, ""); r.Status != http.StatusServiceUnavailable || !strings.Contains(r.Body, "nats is away") {
			t.Errorf("%s: %d %s", path, r.Status, r.Body)
		}
	}
}

func TestAbout(t *testing.T) {
	_, srv := serve(t, &fleet{})
	if got, want := read[Me](t, call(t, srv, "operator", "GET", "/v1/me", "")), (Me{"otto", people.Operator, []string{"sre"}, "token"}); !cmp.Equal(got, want) {
		t.Errorf("me is %+v, want %+v", got, want)
	}
	if got, want := read[Version](t, call(t, srv, "viewer", "GET", "/v1/version", "")), (Version{"v1", "abc", "go1"}); got != want {
		t.Errorf("version is %+v, want %+v", got, want)
	}
}

// TestWhereToLogIn: everybody is told, and nothing else is told to everybody.
func TestWhereToLogIn(t *testing.T) {
	a, srv := serve(t, &fleet{})
	if r := call(t, srv, "", "GET", "/v1/login", ""); r.Status != http.StatusNotFound || !strings.Contains(r.Body, "--token-file") {
		t.Errorf("nowhere: %d %s", r.Status, r.Body)
	}
	a.Login = &Login{"https://idp.example.org", "salvor-cli"}
	if got := read[Login](t, call(t, srv, "", "GET", "/v1/login", "")); got != *a.Login {
		t.Errorf("people log in at %+v", got)
	}
	for _, path := range []string{"/v1/login/", "/v1/me", "/v1/login/../me", "/v1/"} {
		if r := call(t, srv, "", "GET", path, ""); r.Status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", path, r.Status, r.Body)
		}
	}
}
