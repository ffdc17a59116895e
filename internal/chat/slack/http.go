package slack

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"
)

// Path is where Slack posts what people press, unless they are heard of over a socket.
const Path = "/v1/chat/slack"

const (
	maxBody    = 256 << 10
	fresh      = 5 * time.Minute // how old a signature may be
	maxReplays = 4096
)

// ServeHTTP takes a request that Slack has signed. Any other is answered with 401 and no reason: it is not Slack who would read it.
func (w *Workspace) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxBody))
	if err != nil {
		http.Error(rw, "the request is too large", http.StatusRequestEntityTooLarge)
		return
	}
	if why := w.forged(r.Header, body); why != "" {
		if untold, speaks := w.strangers.Speaks(w.Clock()); speaks {
			w.Log.Warn("a request that says it is of Slack is refused", "why", why, "remote", r.RemoteAddr, "untold", untold)
		}
		http.Error(rw, "the request is not signed by Slack, or not lately", http.StatusUnauthorized)
		return
	}
	form, err := url.ParseQuery(string(body))
	var cb slackgo.InteractionCallback
	if err == nil {
		err = json.Unmarshal([]byte(form.Get("payload")), &cb)
	}
	if err != nil {
		http.Error(rw, "the request holds no payload that can be read", http.StatusBadRequest)
		return
	}
	reply, taken := w.take(r.Context(), cb)
	switch {
	case !taken:
		http.Error(rw, "too much is done at once: press again", http.StatusServiceUnavailable)
		return
	case reply == nil:
		rw.WriteHeader(http.StatusOK)
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(reply) // who does not wait for the answer presses again
}

// forged says why a request is not one that Slack has just sent for the first time, or "".
func (w *Workspace) forged(header http.Header, body []byte) string {
	verifier, err := slackgo.NewSecretsVerifier(header, w.SigningSecret)
	if err != nil {
		return err.Error()
	}
	if _, err := io.Copy(&verifier, bytes.NewReader(body)); err != nil {
		return err.Error()
	}
	if err := verifier.Ensure(); err != nil {
		return "the signature is wrong"
	}
	if !w.seen.first(strings.ToLower(header.Get("X-Slack-Signature")), w.Clock()) {
		return "it was sent before"
	}
	return ""
}

// replays remembers signatures for as long as they are fresh. The zero value is ready.
type replays struct {
	mu    sync.Mutex
	known map[string]time.Time
}

// first says that a signature was not seen before. When more are fresh than can be remembered, none is believed.
func (r *replays) first(signature string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		r.known = map[string]time.Time{}
	}
	if len(r.known) >= maxReplays {
		for s, at := range r.known {
			if now.Sub(at) > 2*fresh {
				delete(r.known, s)
			}
		}
	}
	if _, seen := r.known[signature]; seen || len(r.known) >= maxReplays {
		return false
	}
	r.known[signature] = now
	return true
}
