package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/salvor-io/salvor/internal/rollout"
)

// Status implements Policy.
func (f *fleet) Status() rollout.Status {
	return rollout.Status{Serving: rollout.Serving{Replica: "one", Revision: "aaa"}, Shadows: []rollout.ShadowStatus{}}
}

// Activate implements Policy: aaa is in force, bbb is held, ccc was written by the caller.
func (f *fleet) Activate(_ context.Context, person, revision, reason string) (rollout.Standing, error) {
	switch revision {
	case "bbb":
		return rollout.Standing{Offer: rollout.Offer{Revision: revision, Source: reason}, By: person}, f.broken
	case "ccc":
		return rollout.Standing{}, errors.Join(errors.New("you wrote it"), rollout.ErrAuthor)
	}
	return rollout.Standing{}, rollout.ErrNotHeld
}

func TestActivatingPolicy(t *testing.T) {
	f := &fleet{}
	_, srv := serve(t, f)
	if got := read[rollout.Status](t, call(t, srv, "viewer", "GET", "/v1/policy", "")); got.Serving.Revision != "aaa" {
		t.Errorf("the status is %+v", got)
	}
	for _, c := range []struct {
		name, token, body string
		status            int
		says              string
	}{
		{"held", "admin", `{"revision":"bbb","reason":" well, password=hunter2 "}`, http.StatusOK, `"source":"well, password=***","replica":"","since":"0001-01-01T00:00:00Z","by":"ada"`},
		{"by an operator", "operator", `{"revision":"bbb"}`, http.StatusForbidden, "to activate takes admin"},
		{"not held", "admin", `{"revision":"aaa"}`, http.StatusNotFound, "salvor policy status"},
		{"by its author", "admin", `{"revision":"ccc"}`, http.StatusForbidden, "you wrote it"},
		{"none", "admin", `{}`, http.StatusBadRequest, "no revision is given"},
		{"no request", "admin", `{"rev":"bbb"}`, http.StatusBadRequest, "unknown field"},
		{"a long reason", "admin", `{"revision":"bbb","reason":"` + strings.Repeat("x", maxReason+1) + `"}`, http.StatusBadRequest, "too long"},
	} {
		if got := call(t, srv, c.token, "POST", "/v1/policy/activate", c.body); got.Status != c.status || !strings.Contains(got.Body, c.says) {
			t.Errorf("%s: %d %s, want %d %s", c.name, got.Status, got.Body, c.status, c.says)
		}
	}
	f.broken = errors.New("the store is away")
	if got := call(t, srv, "admin", "POST", "/v1/policy/activate", `{"revision":"bbb"}`); got.Status != http.StatusServiceUnavailable {
		t.Errorf("without a store: %d %s", got.Status, got.Body)
	}
}
