package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/policies"
)

func TestExport(t *testing.T) {
	f := &fleet{}
	_, srv := serve(t, f)
	for query, want := range map[string]string{
		"":                           "2026-02-28T03:11:04Z 2026-03-01T03:11:04Z\n",
		"?from=2026-02-01T00:00:00Z": "2026-02-01T00:00:00Z 2026-03-01T03:11:04Z\n",
		"?from=2026-02-01T00:00:00Z&to=2026-02-02T01:00:00%2B01:00": "2026-02-01T00:00:00Z 2026-02-02T01:00:00+01:00\n",
	} {
		if r := call(t, srv, "viewer", http.MethodGet, "/v1/export"+query, ""); r.Status != http.StatusOK || r.Body != want {
			t.Errorf("%q: %+v", query, r)
		}
	}
	f.export = func(context.Context, io.Writer, time.Time, time.Time) error { return errors.New("the store is away") }
	if r := call(t, srv, "viewer", http.MethodGet, "/v1/export", ""); r.Status != http.StatusServiceUnavailable || !strings.Contains(r.Body, "the store is away") {
		t.Errorf("before it began: %+v", r)
	}
	f.export = func(context.Context, io.Writer, time.Time, time.Time) error {
		return &Refusal{http.StatusRequestEntityTooLarge, "export", "too much", "ask for less"}
	}
	if r := call(t, srv, "viewer", http.MethodGet, "/v1/export", ""); r.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("too much: %+v", r)
	}
}

// get begins a call and gives its answer, whose body is still to come.
func get(t *testing.T, ctx context.Context, srv *httptest.Server, path string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer viewer")
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// TestExportIsCutOff: what ends in the midst is not taken for whole.
func TestExportIsCutOff(t *testing.T) {
	f := &fleet{export: func(_ context.Context, w io.Writer, _, _ time.Time) error {
		fmt.Fprintln(w, "a beginning")
		return errors.New("the store is away")
	}}
	_, srv := serve(t, f)
	text, err := io.ReadAll(get(t, t.Context(), srv, "/v1/export").Body)
	if string(text) != "a beginning\n" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q, %v: want it cut off", text, err)
	}
}

// TestExportEndsWithItsClient: one at a time, it ends when its client goes away or the server stops, and then another may begin.
func TestExportEndsWithItsClient(t *testing.T) {
	began, ended := make(chan struct{}), make(chan error)
	f := &fleet{export: func(ctx context.Context, w io.Writer, _, _ time.Time) error {
		fmt.Fprintln(w, "a beginning")
		began <- struct{}{}
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}}
	a, srv := serve(t, f)
	ctx, leave := context.WithCancel(t.Context())
	get(t, ctx, srv, "/v1/export")
	<-began
	if r := call(t, srv, "viewer", http.MethodGet, "/v1/export", ""); r.Status != http.StatusServiceUnavailable || !strings.Contains(r.Body, "1 is under way") {
		t.Errorf("a second one: %+v", r)
	}
	leave()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	var resp *http.Response
	for resp == nil || resp.StatusCode != http.StatusOK { // the place is free when the handler has returned
		resp = get(t, t.Context(), srv, "/v1/export")
	}
	<-began
	a.EndStreams()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	if _, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("an export of a server that stops ends with %v", err)
	}
}

// TestWould lists what was held back, of incidents of the archive too, and nothing that was done or is older.
func TestWould(t *testing.T) {
	f := &fleet{}
	held, done, other := f.open(t, "prod-eu", "a"), f.open(t, "prod-eu", "b"), f.open(t, "prod-us", "c")
	hold := func(n int, verdict, would policies.Verdict) {
		f.decide(t, n, verdict)
		rec := f.incidents[n].History[len(f.incidents[n].History)-1]
		rec.Decided.Answer.Would = would
		rec.Decided.Answer.Held = []policies.Reason{{Text: "the mode is suggest", Rule: "mode"}}
	}
	hold(held, policies.Deny, policies.Act)
	hold(done, policies.Act, policies.Act)
	hold(other, policies.Ask, policies.Act)
	hold(other, policies.Deny, policies.Deny)
	f.archived, f.incidents = f.incidents[2:], f.incidents[:2]
	_, srv := serve(t, f)
	for query, want := range map[string]string{
		"":                           "node/a deny act, node/c ask act, ",
		"?cluster=prod-us":           "node/c ask act, ",
		"?from=2026-03-01T03:11:03Z": "node/a deny act, node/c ask act, ",
		"?from=2026-03-01T03:11:09Z&to=2026-04-01T00:00:00Z": "node/c ask act, ",
	} {
		var got strings.Builder
		for _, w := range read[[]Would](t, call(t, srv, "viewer", http.MethodGet, "/v1/would"+query, "")) {
			fmt.Fprintf(&got, "%s %s %s, ", w.Anchor, w.Verdict, w.Would)
			if w.Runbook != "node-failure" || w.Plan == "" || len(w.Held) != 1 || w.Class != policies.Reversible {
				t.Errorf("%+v", w)
			}
		}
		if got.String() != want {
			t.Errorf("%q: %q, want %q", query, got.String(), want)
		}
	}
	f.broken = errors.New("the store is away")
	if r := call(t, srv, "viewer", http.MethodGet, "/v1/would", ""); r.Status != http.StatusServiceUnavailable {
		t.Errorf("without a store: %+v", r)
	}
}
