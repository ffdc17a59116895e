package responderstest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/responders"
)

// interrupted breaks each write in turn, in every way, and applies again.
func (s *suite) interrupted(t *testing.T) {
	for n := 1; n <= s.writes(t); n++ {
		broken := func(name string, f faults) {
			t.Run(fmt.Sprintf("%s write %d", name, n), func(t *testing.T) { s.breaks(t, f, 0) })
		}
		broken("before", faults{before: n})
		broken("after", faults{after: n})
		broken("cancelled at", faults{before: n, cancel: func() {}})
		t.Run(fmt.Sprintf("guard refuses write %d", n), func(t *testing.T) { s.breaks(t, faults{}, n) })
	}
}

// writes counts the writes of an Apply that nothing disturbs.
func (s *suite) writes(t *testing.T) int {
	w, ctx := s.start(t)
	s.finish(ctx, t, w, s.plan(ctx, t, w))
	_, landed := w.Tape.seen()
	return len(landed)
}

func (s *suite) breaks(t *testing.T, f faults, refuseFrom int) {
	w, ctx := s.start(t)
	change := s.plan(ctx, t, w)
	first, cancel := context.WithCancel(ctx)
	defer cancel()
	if f.cancel != nil {
		f.cancel = cancel
	}
	w.Tape.set(f)
	err := w.Responder.Apply(s.guarded(first, t, w, refuseFrom), w.Env, change)
	switch {
	case err == nil:
		t.Error("the interrupted Apply returned no error")
	case refuseFrom > 0 && !errors.Is(err, errGuard):
		t.Errorf("the refused Apply returned %v, want the guard's error", err)
	}
	if _, landed := w.Tape.seen(); refuseFrom > 0 && len(landed) >= refuseFrom {
		t.Errorf("%d writes landed, the guard refused from write %d on", len(landed), refuseFrom)
	}
	s.finish(ctx, t, w, change)
}

// fails applies in a world that does not let it succeed, twice: who goes on with it after a death comes to the same end.
func (s *suite) fails(t *testing.T) {
	w, ctx := s.start(t)
	change := s.plan(ctx, t, w)
	for range 2 {
		short, cancel := context.WithTimeout(ctx, soon)
		err := w.Responder.Apply(s.guarded(short, t, w, 0), w.Env, change)
		cancel()
		if err == nil || !strings.Contains(err.Error(), s.Fails) {
			t.Errorf("Apply says %v, want %q", err, s.Fails)
		}
	}
	w.Tape.set(faults{})
	if found, err := w.Responder.Verify(ctx, w.Env, change); err != nil || found.Outcome == responders.OutcomeVerified || len(found.Detail) == 0 {
		t.Errorf("Verify of what failed says %+v, error %v", found, err)
	}
}

func (s *suite) cancelled(t *testing.T) {
	w, ctx := s.start(t)
	change := s.plan(ctx, t, w)
	s.hangs(ctx, t, w, "Preview", func(ctx context.Context) error {
		_, err := w.Responder.Preview(ctx, w.Env, s.Args)
		return err
	})
	s.hangs(ctx, t, w, "Apply", func(ctx context.Context) error { return w.Responder.Apply(ctx, w.Env, change) })
	s.hangs(ctx, t, w, "Verify", func(ctx context.Context) error {
		_, err := w.Responder.Verify(ctx, w.Env, change)
		return err
	})
}

// hangs cancels a call as soon as the world keeps it waiting. A call that asks nothing of the world just returns.
func (s *suite) hangs(ctx context.Context, t *testing.T, w *World, name string, call func(context.Context) error) {
	ctx, cancel := context.WithCancel(responders.WithGuard(ctx, func(context.Context) error { return nil }))
	defer cancel()
	waiting, done := make(chan struct{}, 1), make(chan error, 1)
	w.Tape.set(faults{hang: waiting})
	go func() { done <- call(ctx) }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return
	case <-waiting:
		cancel()
	}
	select {
	case err := <-done:
		if err == nil {
			t.Errorf("the cancelled %s returned no error", name)
		}
	case <-time.After(soon):
		t.Fatalf("the cancelled %s did not return within %s", name, soon)
	}
}
