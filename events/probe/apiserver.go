package probe

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// APIServer is the check of an API server: GET /readyz. It is up when it answers 200, and when one whose certificate was verified
// answers 401 or 403: then it lives and does not know who asks. Any other answer, and none, is not up. The answer 401 or 403 of
// nobody who is known does not tell. The transport brings the credentials, if any, and is one of [Transport].
func APIServer(server *url.URL, via http.RoundTripper) Check {
	return func(ctx context.Context) (Answer, error) {
		got, err := ask(ctx, via, server.JoinPath("readyz"))
		if err != nil {
			return unreachable(err)
		}
		out := Answer{Expires: got.expires}
		switch got.status {
		case http.StatusOK:
			out.Up = true
		case http.StatusUnauthorized, http.StatusForbidden:
			if !got.verified {
				return Answer{}, fmt.Errorf("%w: it answers %s, and its certificate was not verified", errOwn, got.words())
			}
			out.Up = true
		default:
			out.Reason = oneLine("it answers " + got.words() + failing(got.body))
		}
		return out, nil
	}
}

// failing names the checks that an answer of /readyz lists as failed: lines such as "[-]etcd failed: reason withheld".
func failing(body string) string {
	var names []string
	for line := range strings.Lines(body) {
		if check, found := strings.CutPrefix(strings.TrimSpace(line), "[-]"); found {
			name, _, _ := strings.Cut(check, " ")
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return ", failed: " + strings.Join(names, ", ")
}

// EtcdBehind is the check of the etcd behind an API server: GET /readyz/etcd, which a role has to allow. Etcd is up when the answer
// is 200, and not up when it is 500 and says that etcd failed. Anything else speaks of the API server, or of nobody: then it cannot
// be told. The expiry of its certificates is never known.
func EtcdBehind(server *url.URL, via http.RoundTripper) Check {
	return func(ctx context.Context) (Answer, error) {
		got, err := ask(ctx, via, server.JoinPath("readyz", "etcd"))
		switch {
		case err != nil:
			return Answer{}, fmt.Errorf("%w: the API server is asked about etcd: %w", errOwn, err)
		case got.status == http.StatusOK:
			return Answer{Up: true}, nil
		case got.status == http.StatusInternalServerError && strings.Contains(got.body, "etcd failed"):
			return Answer{Reason: "the API server does not reach it"}, nil
		case got.status == http.StatusForbidden, got.status == http.StatusUnauthorized:
			return Answer{}, fmt.Errorf("%w: the API server answers %s to GET /readyz/etcd: grant it (salvor print rbac --role observe)", errOwn, got.words())
		}
		return Answer{}, fmt.Errorf("%w: the API server answers %s when asked about etcd", errOwn, got.words())
	}
}
