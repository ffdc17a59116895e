package ingest

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Tally counts what became of a post's alerts or events. A dead man's switch counts twice: as an alert, and as its heartbeat.
type Tally struct {
	Recorded  int `json:"recorded"`
	Duplicate int `json:"duplicate"` // had been recorded before
	Dead      int `json:"dead"`      // were malformed and went to the dead letters
}

func (t Tally) plus(u Tally) Tally {
	return Tally{Recorded: t.Recorded + u.Recorded, Duplicate: t.Duplicate + u.Duplicate, Dead: t.Dead + u.Dead}
}

// refusal is an answer other than 2xx: what went wrong, why, and what the sender's owner can do.
type refusal struct {
	status int
	What   string `json:"error"`
	Why    string `json:"why"`
	Do     string `json:"do"`
}

func refuse(status int, what string, why error, do string) *refusal {
	return &refusal{status: status, What: what, Why: shorten(why.Error()), Do: do}
}

// shorten bounds what is told of a cause: causes quote what was sent.
func shorten(text string) string {
	const most = 600
	if len(text) <= most {
		return text
	}
	return text[:most] + "..."
}

// doubt is the answer whenever it is not certain that all was recorded: sending again is safe, and asked for.
func doubt(why error) *refusal {
	return refuse(http.StatusServiceUnavailable, "record the post", why,
		"send it again, nothing is counted twice; if it goes on, see /readyz and the log of salvor")
}

const retryAfterSeconds = 1

func (f *refusal) write(w http.ResponseWriter) error {
	switch f.status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="salvor"`)
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", strconv.Itoa(retryAfterSeconds))
	}
	return writeJSON(w, f.status, f)
}

func writeJSON(w http.ResponseWriter, status int, body any) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(body)
}
