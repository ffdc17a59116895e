package oidc

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// frugal reads no more of an answer than maxAnswer. A server that answers that it is broken is one that does not answer.
type frugal struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (f frugal) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := f.next.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDown, err)
	}
	if resp.StatusCode >= http.StatusInternalServerError {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("%w: %s", ErrDown, resp.Status)
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	return resp, nil
}

// seldom lets one request pass in a time: whoever sends tokens that nobody signed does not have the provider asked for each.
type seldom struct {
	next  http.RoundTripper
	apart time.Duration
	now   func() time.Time

	mu   sync.Mutex
	last time.Time
	err  error // what came of the last
}

var errTooSoon = errors.New("its keys were looked for a moment ago")

// RoundTrip implements http.RoundTripper.
func (s *seldom) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if !s.last.IsZero() && now.Sub(s.last) < s.apart {
		if s.err != nil {
			return nil, s.err
		}
		return nil, errTooSoon
	}
	s.last = now
	var resp *http.Response
	resp, s.err = s.next.RoundTrip(req)
	return resp, s.err
}
