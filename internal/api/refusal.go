package api

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/salvor-io/salvor/internal/people"
)

// Refusal is an answer other than 2xx: what was not done, why, and what to do about it.
type Refusal struct {
	Status int    `json:"-"`
	What   string `json:"error"`
	Why    string `json:"why"`
	Do     string `json:"do"`
}

// Error is the refusal in one line.
func (f *Refusal) Error() string {
	text := f.What + ": " + f.Why
	if f.Do != "" {
		text += "; " + f.Do
	}
	return text
}

// refuse answers with an error. One that is no refusal, nor of people or of a missing thing, is the store's.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var f *Refusal
	var forbidden *people.ForbiddenError
	switch {
	case errors.As(err, &f):
	case errors.As(err, &forbidden):
		f = &Refusal{http.StatusForbidden, "refuse " + r.Method + " " + r.URL.Path, forbidden.Error(), "ask an admin of Salvor for the role: people in salvor.yaml"}
	case errors.Is(err, a.Missing):
		f = &Refusal{http.StatusNotFound, "find it", err.Error(), "list what there is: salvor incidents --all"}
	default:
		a.Log.WarnContext(r.Context(), "request not answered", "path", r.URL.Path, "error", err)
		f = &Refusal{http.StatusServiceUnavailable, "answer the request", err.Error(), "try again; if it goes on, see /readyz and the log of salvor"}
	}
	a.write(w, r, f.Status, f)
}

// unknown answers somebody who is not known.
func (a *API) unknown(w http.ResponseWriter, r *http.Request, err error) {
	if left, now := a.strangers.Speaks(a.Clock()); now {
		a.Log.WarnContext(r.Context(), "somebody who is not known is refused", "method", r.Method, "path", r.URL.Path, "from", r.RemoteAddr, "why", err, "untold", left)
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="salvor"`)
	a.refuse(w, r, &Refusal{http.StatusUnauthorized, "say who you are", err.Error(),
		"send the token that salvor.yaml names for you (--token-file), log in (salvor login), or use the Unix socket as the user that salvor runs as"})
}

func (a *API) nowhere(w http.ResponseWriter, r *http.Request) {
	a.refuse(w, r, &Refusal{http.StatusNotFound, "find " + r.Method + " " + r.URL.Path, "there is no such path or method here", "see the API in the documents of this version"})
}

func (a *API) write(w http.ResponseWriter, r *http.Request, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		a.Log.DebugContext(r.Context(), "answer not sent", "path", r.URL.Path, "error", err)
	}
}
