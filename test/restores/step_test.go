package restores

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/salvor-io/salvor/responders"
)

// step is one step of a plan that is about to be made. What the tests do not say of it, fills newStep in.
type step struct {
	use      string
	args     responders.Args
	env      responders.Env // that of its Preview: Broken and Promises are only known then
	deadline time.Duration
	settles  time.Duration // how long after Apply the world may take to agree, if not until the deadline
	guard    func(context.Context) error
	told     func(cancel context.CancelFunc, how string) // is told how far it has come, and may cancel it, as a death does
}

// outcome is what came of a step.
type outcome struct {
	refused error // no plan came of it; nothing was done
	change  responders.Change
	env     responders.Env // in which it was carried out
	failed  error          // why the world is not as the change promised
	found   responders.Finding
	told    []string // how far it had come, as people were told
	took    time.Duration
}

// run carries out one step in a cluster, in an incident of the test's own, as internal/recovery carries out those of a plan.
func run(t *testing.T, c *cluster, use string, args responders.Args, edits ...func(*step)) outcome {
	t.Helper()
	s := newStep(t, c, use, args, edits...)
	out := s.preview(t, c)
	if out.refused == nil {
		s.carryOut(t, c, &out)
	}
	return out
}

func newStep(t *testing.T, c *cluster, use string, args responders.Args, edits ...func(*step)) step {
	s := step{use: use, args: args, deadline: 5 * time.Minute, guard: func(context.Context) error { return nil },
		env: responders.Env{Cluster: c.name, Incident: t.Name(), Step: "step", Now: time.Now().UTC()}}
	for _, edit := range edits {
		edit(&s)
	}
	return s
}

// preview makes the plan of one step. The change is what the ledger would give back.
func (s step) preview(t *testing.T, c *cluster) (out outcome) {
	t.Helper()
	responder := s.responder(t, c)
	change, err := responder.Preview(t.Context(), s.env, s.args)
	if err != nil {
		return outcome{refused: err}
	}
	plan, err := responders.Plan{Runbook: "test", Cluster: c.name, Steps: []responders.Step{{Name: s.env.Step, DeadlineS: s.deadline.Seconds(), Change: change}}}.Seal()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(plan.Steps[0].Change)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &out.change); err != nil {
		t.Fatal(err)
	}
	out.env = responders.Env{Cluster: c.name, Incident: s.env.Incident, Plan: plan.Digest, Step: s.env.Step, Now: s.env.Now}
	return out
}

// carryOut applies the change and asks the world until it agrees, or the deadline has passed.
func (s step) carryOut(t *testing.T, c *cluster, out *outcome) {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), s.deadline)
	defer cancel()
	var mu sync.Mutex
	ctx = responders.WithProgress(ctx, func(done, of int, what string) {
		mu.Lock()
		how := fmt.Sprintf("%d of %d %s", done, of, what)
		out.told = append(out.told, how)
		mu.Unlock()
		if s.told != nil {
			s.told(cancel, how)
		}
	})
	responder := s.responder(t, c)
	out.failed, out.found = nil, responders.Finding{}
	if out.failed = responder.Apply(responders.WithGuard(ctx, s.guard), out.env, out.change); out.failed == nil {
		if s.settles > 0 {
			ctx, cancel = context.WithTimeout(ctx, s.settles)
			defer cancel()
		}
		out.found, out.failed = agree(ctx, responder, out.env, out.change)
	}
	out.took = time.Since(began)
}

func agree(ctx context.Context, r responders.Responder, env responders.Env, change responders.Change) (responders.Finding, error) {
	var last responders.Finding // what the world said before it could not be asked any more
	for pace := 50 * time.Millisecond; ; pace = min(2*pace, 2*time.Second) {
		found, err := r.Verify(ctx, env, change)
		switch {
		case err == nil && found.Outcome == responders.OutcomeVerified:
			return found, nil
		case err == nil:
			last = found
		}
		select {
		case <-ctx.Done():
			return last, fmt.Errorf("the world does not agree: %w: %s", cmp.Or(err, ctx.Err()), strings.Join(last.Detail, "; "))
		case <-time.After(pace):
		}
	}
}

func (s step) responder(t *testing.T, c *cluster) responders.Responder {
	t.Helper()
	responder, err := c.pair.catalog.Lookup(s.use)
	if err != nil {
		t.Fatal(err)
	}
	return responder
}

// verified fails the test unless the step did what it promised.
func (o outcome) verified(t *testing.T) outcome {
	t.Helper()
	if o.refused != nil {
		t.Fatalf("refused: %v", o.refused)
	}
	if o.failed != nil {
		t.Fatalf("%v: %v", o.change.Will, o.failed)
	}
	t.Logf("%s: %v, after %s", o.change.Responder, o.change.Will, o.took.Round(time.Millisecond))
	return o
}

// refuses fails the test unless no plan came of the step, and it says why.
func (o outcome) refuses(t *testing.T, why string) {
	t.Helper()
	if o.refused == nil || !strings.Contains(o.refused.Error(), why) {
		t.Errorf("refused: %v; failed: %v; want %q", o.refused, o.failed, why)
	}
}

// fails fails the test unless the step was begun and went wrong, and says all of that.
func (o outcome) fails(t *testing.T, says ...string) {
	t.Helper()
	if o.refused != nil || o.failed == nil {
		t.Fatalf("refused: %v; failed: %v", o.refused, o.failed)
	}
	for _, text := range says {
		if !strings.Contains(o.failed.Error(), text) {
			t.Errorf("failed: %v; want %q", o.failed, text)
		}
	}
}
