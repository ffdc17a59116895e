package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/salvor-io/salvor/internal/audit"
)

// Audit says what was asked for.
func (f *fleet) Audit(_ context.Context, w io.Writer, span audit.Span) error {
	if f.broken != nil {
		return f.broken
	}
	_, err := fmt.Fprintf(w, "%s %s %q", span.From.Format("2006-01"), span.To.Format("2006-01"), span.Only)
	if span.Trails {
		_, err = io.WriteString(w, " trails")
	}
	return err
}

func TestAudit(t *testing.T) {
	f := &fleet{}
	n := f.open(t, "prod-eu", "worker-1")
	_, srv := serve(t, f)
	for query, want := range map[string]reply{
		"":                                   {http.StatusOK, `1926-03 2026-03 ""`},
		"?only=trails":                       {http.StatusOK, `1926-03 2026-03 "" trails`},
		"?from=2026-02-01T00:00:00Z":         {http.StatusOK, `2026-02 2026-03 ""`},
		"?incident=" + f.incidents[n].Name(): {http.StatusOK, fmt.Sprintf("1926-03 2026-03 %q", f.incidents[n].ID)},
	} {
		if r := call(t, srv, "viewer", http.MethodGet, "/v1/audit"+query, ""); r != want {
			t.Errorf("%q: %+v, want %+v", query, r, want)
		}
	}
	if r := call(t, srv, "viewer", http.MethodGet, "/v1/audit?incident=nobody", ""); r.Status != http.StatusNotFound {
		t.Errorf("of nobody: %+v", r)
	}
	if r := call(t, srv, "viewer", http.MethodGet, "/v1/audit?only=x", ""); r.Status != http.StatusBadRequest {
		t.Errorf("of x: %+v", r)
	}
	f.broken = errors.New("the store is away")
	if r := call(t, srv, "viewer", http.MethodGet, "/v1/audit", ""); r.Status != http.StatusServiceUnavailable {
		t.Errorf("without a store: %+v", r)
	}
}
