package kubeclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// ErrReadOnly is what an observing client says to a write.
var ErrReadOnly = errors.New("write refused: this client only observes")

// guarded lets reads pass and asks guard about everything else.
type guarded struct {
	next  http.RoundTripper
	base  string // path below which the API is served
	guard func(ctx context.Context) error
}

func (g guarded) RoundTrip(req *http.Request) (*http.Response, error) {
	if isRead(req, g.base) {
		return g.next.RoundTrip(req)
	}
	if err := g.guard(req.Context()); err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // a RoundTripper closes the body whatever happens; nothing was sent
		}
		return nil, fmt.Errorf("%s %s: %w", req.Method, req.URL.Path, err)
	}
	return g.next.RoundTrip(req)
}

// WrappedRoundTripper lets client-go reach the transport beneath.
func (g guarded) WrappedRoundTripper() http.RoundTripper { return g.next }

// isRead says whether a request changes nothing. Asking what one may do is a read although it is a POST; running commands
// in pods and reaching through proxies are not reads although they may be GETs.
func isRead(req *http.Request, base string) bool {
	path := segments(strings.TrimPrefix(req.URL.Path, strings.TrimSuffix(base, "/")))
	switch req.Method {
	case http.MethodGet, http.MethodHead:
		return req.Header.Get("Upgrade") == "" && !reachesThrough(path)
	case http.MethodPost:
		return len(path) == 4 && path[0] == "apis" && path[1] == "authorization.k8s.io" &&
			(path[3] == "selfsubjectaccessreviews" || path[3] == "selfsubjectrulesreviews")
	}
	return false
}

// reachesThrough says whether a path of the API names a subresource that leads out of the API server.
func reachesThrough(path []string) bool {
	rest := resourcePath(path)
	if len(rest) > 0 && rest[0] == "proxy" { // the form before subresources
		return true
	}
	if len(rest) > 2 && rest[0] == "namespaces" && !slices.Contains([]string{"status", "finalize"}, rest[2]) {
		rest = rest[2:]
	}
	return len(rest) > 2 && slices.Contains([]string{"exec", "attach", "portforward", "proxy"}, rest[2])
}

// resourcePath is what follows the version: of /api/v1/nodes/a it is nodes, a.
func resourcePath(path []string) []string {
	switch {
	case len(path) > 2 && path[0] == "api":
		return path[2:]
	case len(path) > 3 && path[0] == "apis":
		return path[3:]
	}
	return nil
}

func segments(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}
