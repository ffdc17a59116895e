package httpserver

import (
	"fmt"
	"net/http"
	"strings"
)

// Check is one thing that has to be well for the server to be ready. Well must return soon; its error is shown to anybody.
type Check struct {
	Name string
	Well func() error
}

func live(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok\n") }

// ready answers 200 when all checks pass, 503 otherwise, with one line for each check. What notes find is told and no more: alerts can be
// taken in all the same.
func ready(checks, notes []Check) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		status, lines := http.StatusOK, strings.Builder{}
		for _, c := range checks {
			state := "ok"
			if err := c.Well(); err != nil {
				status, state = http.StatusServiceUnavailable, "not ready: "+err.Error()
			}
			fmt.Fprintf(&lines, "%s: %s\n", c.Name, state)
		}
		for _, c := range notes {
			state := "ok"
			if err := c.Well(); err != nil {
				state = err.Error()
			}
			fmt.Fprintf(&lines, "%s: %s\n", c.Name, state)
		}
		if status == http.StatusOK {
			lines.WriteString("ready\n")
		}
		writeText(w, status, lines.String())
	}
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // a client that is gone needs no answer
}
