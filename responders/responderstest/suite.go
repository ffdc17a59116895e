package responderstest

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

const (
	patience = time.Minute      // for a call that nothing holds up
	soon     = 10 * time.Second // after its context ended
)

type suite struct {
	Case
	made map[Call]bool // calls of all cases, without names
}

// start makes a world and, when the test ends, notes the calls that were made in it.
func (s *suite) start(t *testing.T) (*World, context.Context) {
	t.Helper()
	w := s.World(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(func() {
		cancel()
		calls, _ := w.Tape.seen()
		for _, call := range calls {
			call.Namespace, call.Name, call.Patch = "", "", ""
			s.made[call] = true
		}
	})
	return w, ctx
}

// plan previews and stores the change as the ledger does, since that is all a later call gets.
func (s *suite) plan(ctx context.Context, t *testing.T, w *World) responders.Change {
	t.Helper()
	change, err := w.Responder.Preview(ctx, w.Env, s.Args)
	if err != nil {
		t.Fatalf("Preview: %v", err)
	}
	raw, err := json.Marshal(change)
	if err != nil {
		t.Fatalf("encode change: %v", err)
	}
	var stored responders.Change
	if err := json.Unmarshal(raw, &stored); err != nil {
		t.Fatalf("decode change: %v", err)
	}
	return stored
}

func (s *suite) preview(t *testing.T) {
	w, ctx := s.start(t)
	ctx = responders.WithGuard(ctx, func(context.Context) error { return nil })
	change, again := s.plan(ctx, t, w), s.plan(ctx, t, w)
	if diff := cmp.Diff(change, again); diff != "" {
		t.Errorf("the same world gives another change the second time:\n%s", diff)
	}
	expectNoWrite(t, w, "Preview")
	spec := w.Responder.Spec()
	switch {
	case change.Responder != spec.Name:
		t.Errorf("the change is of %q, want %q", change.Responder, spec.Name)
	case len(change.Targets) == 0:
		t.Error("the change names no target")
	case len(change.Will) == 0:
		t.Error("the change does not say what will happen")
	case change.Class > spec.Class:
		t.Errorf("the change is %s, the responder declares %s at most", change.Class, spec.Class)
	case change.Class > policies.Observe && (change.Command == "" || change.DurationS <= 0):
		t.Error("the change writes and names no command or duration")
	}
	for _, target := range change.Targets {
		if target.Kind == "" || target.Name == "" || target.UID == "" && !change.Nothing {
			t.Errorf("target %+v is not pinned", target)
		}
	}
}

func (s *suite) refusals(t *testing.T) {
	w, ctx := s.start(t)
	refused := func(name string, value any) {
		args := responders.Args{}
		for k, v := range s.Args {
			args[k] = v
		}
		if args[name] = value; value == nil {
			delete(args, name)
		}
		if change, err := w.Responder.Preview(ctx, w.Env, args); err == nil {
			t.Errorf("Preview with %s = %#v gives %+v, want an error", name, value, change)
		}
	}
	refused("unheardOf", "x")
	for _, param := range w.Responder.Spec().Params {
		if param.Required {
			refused(param.Name, nil)
		}
		if param.Type == responders.ParamNames {
			for _, list := range [][]string{{}, {""}, {"*"}, {"a*"}, {"a", "a"}, {".."}, {"A b"}} {
				refused(param.Name, list)
			}
		}
	}
	expectNoWrite(t, w, "Preview")
}

func (s *suite) verify(t *testing.T) {
	w, ctx := s.start(t)
	change := s.plan(ctx, t, w)
	before, err := w.Responder.Verify(ctx, w.Env, change)
	switch {
	case err != nil:
		t.Fatalf("Verify before Apply: %v", err)
	case change.Nothing != (before.Outcome == responders.OutcomeVerified):
		t.Errorf("Verify before Apply says %+v, and Nothing is %t", before, change.Nothing)
	case before.Outcome != responders.OutcomeVerified && len(before.Detail) == 0:
		t.Error("Verify before Apply does not say what is not yet so")
	}
	s.finish(ctx, t, w, change)
	_, landed := w.Tape.seen()
	if writes := len(landed); (writes > 0) != (change.Class > policies.Observe && !change.Nothing) {
		t.Errorf("a change of class %s, Nothing %t, made %d writes", change.Class, change.Nothing, writes)
	}
	w.Tape.set(faults{refuse: true})
	if found, err := w.Responder.Verify(ctx, w.Env, change); (err != nil) != (found.Outcome == responders.OutcomeUnknown) {
		t.Errorf("Verify of a world that cannot be asked says %+v, error %v", found, err)
	}
}

// finish applies without faults, lets the world react, and wants it verified with each effect made once.
func (s *suite) finish(ctx context.Context, t *testing.T, w *World, change responders.Change) {
	t.Helper()
	w.Tape.set(faults{})
	if err := w.Responder.Apply(s.guarded(ctx, t, w, 0), w.Env, change); err != nil {
		t.Fatalf("Apply: %v", err)
	}
	if w.React != nil {
		if err := w.React(ctx); err != nil {
			t.Fatalf("the world's reaction: %v", err)
		}
	}
	found, err := w.Responder.Verify(ctx, w.Env, change)
	if err != nil || found.Outcome != responders.OutcomeVerified {
		t.Errorf("Verify in the end says %+v, error %v", found, err)
	}
	_, landed := w.Tape.seen()
	times := map[Call]int{}
	for _, call := range landed {
		if !s.Staged {
			call.Patch = ""
		}
		if times[call]++; times[call] == 2 {
			t.Errorf("this effect was made more than once: %s", call)
		}
	}
}

var errGuard = errors.New("the suite's guard refuses")

// guarded lends the right to write. Each consent is good for one write; from the nth question on it is refused. A write
// that nobody consented to fails the test.
func (s *suite) guarded(ctx context.Context, t *testing.T, w *World, refuseFrom int) context.Context {
	var mu sync.Mutex
	asked, consents := 0, 0
	w.Tape.mu.Lock()
	w.Tape.faults.consent = func() error {
		mu.Lock()
		defer mu.Unlock()
		if consents--; consents < 0 {
			t.Error("a write was made that the guard had not been asked about")
			return errGuard
		}
		return nil
	}
	w.Tape.mu.Unlock()
	return responders.WithGuard(ctx, func(context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		if asked++; refuseFrom > 0 && asked >= refuseFrom {
			return errGuard
		}
		consents++
		return nil
	})
}

func (s *suite) unguarded(t *testing.T) {
	w, ctx := s.start(t)
	change := s.plan(ctx, t, w)
	err := w.Responder.Apply(ctx, w.Env, change)
	if writes := change.Class > policies.Observe && !change.Nothing; writes != errors.Is(err, responders.ErrUnguarded) {
		t.Errorf("Apply without a guard: %v", err)
	}
	expectNoWrite(t, w, "Apply without a guard")
}

func (s *suite) twice(t *testing.T) {
	w, ctx := s.start(t)
	change := s.plan(ctx, t, w)
	s.finish(ctx, t, w, change)
	_, once := w.Tape.seen()
	s.finish(ctx, t, w, change)
	if _, twice := w.Tape.seen(); len(twice) != len(once) {
		t.Errorf("the second Apply wrote: %v", twice[len(once):])
	}
}

func expectNoWrite(t *testing.T, w *World, what string) {
	t.Helper()
	calls, _ := w.Tape.seen()
	for _, call := range calls {
		if call.IsWrite() {
			t.Errorf("%s tried to write: %s", what, call)
		}
	}
}
