package client

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/api"
)

// TestDecisionsPageByPage: all pages are read, each from where the one before ended.
func TestDecisionsPageByPage(t *testing.T) {
	var asked []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.RequestURI)
		next := `,"next":{"from":"2026-03-01T03:00:00.5Z","after":7}`
		if len(asked) > 1 {
			next = ""
		}
		fmt.Fprintf(w, `{"decisions":[{"ref":"a/%d"}],"kept_since":"2026-02-01T00:00:00Z"%s}`, len(asked), next)
	}))
	defer srv.Close()
	c, err := New(Options{Server: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Decisions(t.Context(), DecisionFilter{From: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Cluster: "prod eu"})
	if err != nil || len(got.Decisions) != 2 || got.Decisions[1].Ref != "a/2" || got.KeptSince.Month() != time.February {
		t.Errorf("got %+v, %v", got, err)
	}
	want := []string{"/v1/decisions?cluster=prod+eu&from=2026-03-01T00%3A00%3A00Z", "/v1/decisions?after=7&cluster=prod+eu&from=2026-03-01T03%3A00%3A00.5Z"}
	if !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
}

func TestDecisionLines(t *testing.T) {
	c, got := answering(t, http.StatusOK, `{"ref":"a/1","document":{"x":1}}`+"\n"+`{"ref":"a/2","document":{}}`+"\n")
	var refs []string
	err := c.DecisionLines(t.Context(), DecisionFilter{Verdict: "act"}, func(d api.DecisionDocument) error { refs = append(refs, d.Ref); return nil })
	if err != nil || !slices.Equal(refs, []string{"a/1", "a/2"}) || got.URI != "/v1/decisions?form=lines&verdict=act" {
		t.Errorf("%v of %s, %v", refs, got.URI, err)
	}
	c, _ = answering(t, http.StatusOK, `{"ref":"a/1"}`+"\n"+`{"ref":`)
	if err := c.DecisionLines(t.Context(), DecisionFilter{}, func(api.DecisionDocument) error { return nil }); err == nil {
		t.Error("what is cut off passes for whole")
	}
}
