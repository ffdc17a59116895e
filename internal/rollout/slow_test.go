package rollout

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/policies/rego"
)

// TestARuleThatIsSlowIsNamed: later, and not to who asks, who waits for nothing.
func TestARuleThatIsSlowIsNamed(t *testing.T) {
	found, err := newDesk(t, endless).source().settle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rules, err := rego.Compile(found.Policy, rego.Options{Deadline: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	named := make(chan struct{}, 1)
	e := newEngine(slog.New(slog.DiscardHandler), func() { named <- struct{}{} })
	e.use(rules, time.Now())
	q := calm("node", policies.Reversible, "recover")
	for range 3 { // as many as wait, and more
		if _, err := e.Ask(t.Context(), q); !errors.Is(err, rego.ErrSlow) || strings.Contains(err.Error(), "own.rego") {
			t.Errorf("it says %v", err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.slow.run(ctx) }()
	select {
	case <-named:
	case <-time.After(30 * time.Second):
		t.Error("no rule was named")
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if slow := e.slow.of(rules.Revision()); slow == nil || slow.Rule != "own.rego:4" || slow.About != "node/worker-1: recover, reversible" || !slow.Now.Equal(q.Now) {
		t.Errorf("it is %+v", slow)
	}
	if slow := e.slow.of("another"); slow != nil {
		t.Errorf("another policy is said to be slow at %s", slow.Rule)
	}
}
