package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// The bounds of an export.
const (
	maxExports   = 1                // of them, of audits and of decisions in full at once: each reads all there is
	exportWithin = 15 * time.Minute // from its beginning to its end
	takeWithin   = 30 * time.Second // for a client to take what it was sent, before it is dropped
)

// export answers with what was recorded between the times from and to of the query, as a file for salvor replay. Without them that is
// the last day. An answer that cannot be written to its end is cut off, so that nobody takes it for whole.
func (a *API) export(w http.ResponseWriter, r *http.Request) error {
	from, to, err := a.spanOf(r, "export", 24*time.Hour)
	if err != nil {
		return err
	}
	return a.pour(w, r, "export", func(ctx context.Context, out io.Writer) error { return a.Exporter.Export(ctx, out, from, to) })
}

// pour answers with a file that write writes. Until it has written something, an error is the answer; after that the answer is cut off.
func (a *API) pour(w http.ResponseWriter, r *http.Request, what string, write func(context.Context, io.Writer) error) error {
	select {
	case a.exporting <- struct{}{}:
		defer func() { <-a.exporting }()
	default:
		return &Refusal{http.StatusServiceUnavailable, what, fmt.Sprintf("%d is under way, and each reads all there is", maxExports), "try again when it has ended"}
	}
	ctx, cancel := context.WithTimeout(r.Context(), exportWithin)
	defer cancel()
	go func() {
		select {
		case <-a.stopped:
			cancel()
		case <-ctx.Done():
		}
	}()
	out := &download{w: w, control: http.NewResponseController(w)}
	if err := out.control.SetReadDeadline(time.Time{}); err != nil { // the server's deadline for reading a request would end it
		return err
	}
	switch err := write(ctx, out); {
	case err == nil && !out.begun:
		_, err = out.Write(nil)
		return err
	case err == nil:
		return nil
	case !out.begun:
		return unpoured(ctx, what, err)
	case r.Context().Err() == nil:
		a.Log.WarnContext(ctx, "answer cut off", "to", what, "query", r.URL.RawQuery, "error", err)
	}
	panic(http.ErrAbortHandler)
}

// unpoured is the answer where nothing was written.
func unpoured(ctx context.Context, what string, err error) error {
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
		return &Refusal{http.StatusServiceUnavailable, what, fmt.Sprintf("it took longer than %s", exportWithin), "ask for a shorter span"}
	}
	return err
}

// spanOf is the span that the query names, by default what lies less than some time back.
func (a *API) spanOf(r *http.Request, what string, back time.Duration) (from, to time.Time, err error) {
	to = a.Clock().UTC()
	from = to.Add(-back)
	for _, end := range []struct {
		name string
		at   *time.Time
	}{{"from", &from}, {"to", &to}} {
		text := r.URL.Query().Get(end.name)
		if text == "" {
			continue
		}
		if *end.at, err = time.Parse(time.RFC3339, text); err != nil {
			return from, to, &Refusal{http.StatusBadRequest, what, fmt.Sprintf("%s is %q", end.name, text), "give a time such as 2026-03-01T03:11:04Z"}
		}
	}
	if !from.Before(to) {
		return from, to, &Refusal{http.StatusBadRequest, what, fmt.Sprintf("nothing lies between %s and %s", from.Format(time.RFC3339), to.Format(time.RFC3339)),
			"give a time from that is before the time to"}
	}
	return from, to, nil
}

// download writes a file to a client that takes it.
type download struct {
	w       http.ResponseWriter
	control *http.ResponseController
	begun   bool
}

// Write implements io.Writer.
func (d *download) Write(p []byte) (int, error) {
	if !d.begun {
		d.begun = true
		d.w.Header().Set("Content-Type", "application/octet-stream")
		d.w.Header().Set("Cache-Control", "no-store")
		d.w.Header().Set("X-Content-Type-Options", "nosniff")
		d.w.Header().Set("X-Accel-Buffering", "no")
		d.w.WriteHeader(http.StatusOK)
	}
	if err := d.control.SetWriteDeadline(time.Now().Add(takeWithin)); err != nil {
		return 0, err
	}
	n, err := d.w.Write(p)
	if err != nil {
		return n, err
	}
	return n, d.control.Flush()
}
