package api

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/salvor-io/salvor/internal/audit"
)

// ever is longer than anything is kept.
const ever = 100 * 365 * 24 * time.Hour

// audit answers with all that is kept of the incidents of a span, or of the one that the query names, as it is stored: whoever asked
// checks it. Nothing is in it that viewers are not shown otherwise.
func (a *API) audit(w http.ResponseWriter, r *http.Request) error {
	const what = "audit"
	from, to, err := a.spanOf(r, what, ever)
	if err != nil {
		return err
	}
	span := audit.Span{From: from, To: to}
	if name := r.URL.Query().Get("incident"); name != "" {
		if span.Only, err = a.resolve(r.Context(), name); err != nil {
			return err
		}
	}
	return a.pour(w, r, what, func(ctx context.Context, out io.Writer) error { return a.Auditor.Audit(ctx, out, span) })
}
