package httpserver

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
)

// RequestIDHeader carries the id of a request in its answer. The id is Salvor's own, so that it is unique in the log.
const RequestIDHeader = "X-Request-Id"

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", live)
	mux.Handle("GET /readyz", ready(s.opts.Checks, s.opts.Notes))
	for _, m := range s.opts.Mounts {
		mux.Handle(m.Pattern, m.Handler)
	}
	return observed(mux, s.opts.Log)
}

// observed gives each request an id, catches its panic, and logs it.
func observed(next http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, began, seen := rand.Text(), time.Now(), &recorder{ResponseWriter: w}
		w.Header().Set(RequestIDHeader, id)
		defer func() {
			if cause := recover(); cause != nil {
				seen.survive(cause, log.With("request", id))
			}
			log.DebugContext(r.Context(), "request answered", "request", id, "method", r.Method, "path", r.URL.Path,
				"status", seen.status, "bytes", seen.bytes, "took", time.Since(began), "from", r.RemoteAddr)
		}()
		next.ServeHTTP(seen, r)
	})
}

// recorder notes what was answered. http.ResponseController finds the writer below it.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// survive ends a request whose handler panicked. An answer that has begun is cut off, so that nobody takes it for whole.
func (r *recorder) survive(cause any, log *slog.Logger) {
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(cause)
	}
	log.Error("request panicked", "cause", cause, "stack", string(debug.Stack()))
	if r.status != 0 {
		panic(http.ErrAbortHandler)
	}
	r.Header().Set("Content-Type", "application/json")
	r.WriteHeader(http.StatusInternalServerError)
	_, _ = r.Write([]byte(`{"error":"answer the request","why":"a fault in salvor itself","do":"see the log of salvor for this request id and report it"}` + "\n"))
}
