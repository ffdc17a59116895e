package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Etcd is the check of an etcd by its members, all of which are to be listed: GET /health of each at once. It is up when a majority
// says that it is healthy, and not up when so many do not that no majority can be left. In between, when some may be healthy and
// cannot be asked, it cannot be told. A member that refuses the certificate of the prober is one of those. It fails when an address
// is none, or a file cannot be read.
func Etcd(endpoints []string, secure Secure) (Check, error) {
	cfg, err := secure.Config()
	if err != nil {
		return nil, err
	}
	var at []*url.URL
	for _, text := range endpoints {
		u, err := url.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("read address of a member: %w", err)
		}
		at = append(at, u)
	}
	if len(at) == 0 {
		return nil, errors.New("probe etcd: no member is listed")
	}
	return members(at, Transport(cfg)), nil
}

func members(endpoints []*url.URL, via http.RoundTripper) Check {
	return func(ctx context.Context) (Answer, error) {
		found := make([]member, len(endpoints))
		var all sync.WaitGroup
		for i, at := range endpoints {
			all.Go(func() { found[i] = health(ctx, via, at) })
		}
		all.Wait()
		return quorum(found)
	}
}

// member is what one member answered.
type member struct {
	name    string
	reason  string // why it is not healthy; empty when it is, or when err is set
	err     error  // why it cannot be told
	expires time.Time
}

func health(ctx context.Context, via http.RoundTripper, at *url.URL) (m member) {
	m.name = at.Host
	defer func() {
		if r := recover(); r != nil {
			m.err = fmt.Errorf("%w: panic: %v", errOwn, r)
		}
	}()
	got, err := ask(ctx, via, at.JoinPath("health"))
	var alert *net.OpError
	switch {
	case errors.As(err, &alert) && alert.Op == "remote error":
		m.err = fmt.Errorf("%w: it refuses the prober: %w", errOwn, err)
	case err != nil:
		var said Answer
		said, m.err = unreachable(err)
		m.reason, m.expires = said.Reason, said.Expires
	default:
		m.reason, m.expires = unhealthy(got), got.expires
	}
	return m
}

// unhealthy says why a member that answered is not healthy.
func unhealthy(got reply) string {
	var said struct{ Health, Reason string }
	switch err := json.Unmarshal([]byte(got.body), &said); {
	case err != nil || said.Health == "":
		return "it answers " + got.words() + " and no health"
	case said.Health == "true" && got.status == http.StatusOK:
		return ""
	case said.Reason != "":
		return said.Reason
	}
	return "it says that it is not healthy"
}

// quorum judges what all members answered.
func quorum(found []member) (Answer, error) {
	var out Answer
	var sick []string
	var unclear []error
	for _, m := range found {
		if !m.expires.IsZero() && (out.Expires.IsZero() || m.expires.Before(out.Expires)) {
			out.Expires = m.expires
		}
		switch {
		case m.err != nil:
			unclear = append(unclear, fmt.Errorf("%s: %w", m.name, m.err))
		case m.reason != "":
			sick = append(sick, m.name+": "+m.reason)
		}
	}
	majority := len(found)/2 + 1
	healthy := len(found) - len(sick) - len(unclear)
	switch {
	case healthy >= majority:
		out.Up = true
	case healthy+len(unclear) >= majority:
		return Answer{}, errors.Join(unclear...)
	default:
		slices.Sort(sick)
		out.Reason = oneLine(fmt.Sprintf("%d of %d members are healthy; %s", healthy, len(found), strings.Join(sick, "; ")))
	}
	return out, nil
}
