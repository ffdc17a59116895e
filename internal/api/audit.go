package api

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/salvor-io/salvor/internal/audit"
)

// ever is longer than anything is kept.
const ever = 100 * 365 * 24 * time.Hour

// audit answers with all that is kept of the incidents of a span, or of the one that the query names, or of trails alone, as it is
// stored: whoever asked checks it. Viewers may: who checks should need no right to change anything, and no secret is in it.
func (a *API) audit(w http.ResponseWriter, r *http.Request) error {
	const what = "audit"
	from, to, err := a.spanOf(r, what, ever)
	if err != nil {
		return err
	}
	span := audit.Span{From: from, To: to}
	switch only := r.URL.Query().Get("only"); only {
	case "":
	case "trails":
		span.Trails = true
	default:
		return &Refusal{http.StatusBadRequest, what, "only is " + strconv.Quote(only), "give only=trails, or leave it out"}
	}
	if name := r.URL.Query().Get("incident"); name != "" {
		if span.Only, err = a.resolve(r.Context(), name); err != nil {
			return err
		}
	}
	return a.pour(w, r, what, func(ctx context.Context, out io.Writer) error { return a.Auditor.Audit(ctx, out, span) })
}
