// Package serving looks whether what was recovered serves: it asks web addresses (probe.http) and Prometheus (prometheus.query).
// Its responders change nothing. A workload that is available has passed its own checks; that it serves, only an answer proves.
//
// What is asked is configured for each cluster and not written in runbooks, so that one runbook does for all of them.
package serving

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/salvor-io/salvor/responders"
)

const (
	maxProbes = 100 // in one check: nobody reads more
	asks      = 50  // under way at a time: a check of all of them is to be over soon, though none of them answers
)

func unknown(err error) (responders.Finding, error) {
	return responders.Finding{Outcome: responders.OutcomeUnknown}, err
}

// pin stores the facts that Verify needs.
func pin(change *responders.Change, facts any) error {
	raw, err := json.Marshal(facts)
	if err != nil {
		return fmt.Errorf("pin the facts of %s: %w", change.Responder, err)
	}
	change.Detail = raw
	return nil
}

// uidOf tells what is asked apart from what another configuration asks under the same name.
func uidOf(facts ...string) string {
	hash := sha256.New()
	for _, fact := range facts {
		_, _ = fmt.Fprintf(hash, "%q\n", fact)
	}
	return hex.EncodeToString(hash.Sum(nil))[:16]
}

// transport makes a new connection for each request, so that one that still stands proves nothing, and knows no proxy.
func transport(o Access) *http.Transport {
	return &http.Transport{TLSClientConfig: o.TLS, ForceAttemptHTTP2: true, DisableKeepAlives: true,
		TLSHandshakeTimeout: o.Timeout, MaxResponseHeaderBytes: 64 << 10}
}
