package rollout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/policies/rego"
)

// Engine answers by the policy in force. Each answer is wholly of one revision. Without a policy that can be used every answer is an error,
// which says why. It implements policies.Engine and is safe for concurrent use.
type Engine struct {
	serving atomic.Pointer[serving]
	shadow  *shadow
	slow    *slowness
}

// serving is what an engine answers by: rules, or the reason why there are none.
type serving struct {
	rules *rego.Rules
	why   error
	since time.Time
}

func newEngine(log *slog.Logger, changed func()) *Engine {
	e := &Engine{shadow: newShadow(log), slow: newSlowness(log, changed)}
	e.refuse(errWaits)
	return e
}

// Ask implements policies.Engine. What is asked is also asked of the shadows, later and elsewhere; so is looked for the rule that took too long.
func (e *Engine) Ask(ctx context.Context, q policies.Question) (policies.Said, error) {
	now := e.serving.Load()
	if now.rules == nil {
		return policies.Said{}, noPolicyError{now.why}
	}
	said, err := now.rules.Ask(ctx, q)
	switch {
	case err == nil:
		e.shadow.see(q, said)
	case errors.Is(err, rego.ErrSlow):
		e.slow.see(now.rules, q)
	}
	return said, err
}

// noPolicyError says why there is no policy to ask. It is a policies.ErrNone.
type noPolicyError struct{ why error }

func (e noPolicyError) Error() string { return e.why.Error() }

func (e noPolicyError) Unwrap() []error { return []error{e.why, policies.ErrNone} }

// revision is that of the rules, "" when there are none.
func (e *Engine) revision() string {
	if rules := e.serving.Load().rules; rules != nil {
		return rules.Revision()
	}
	return ""
}

func (e *Engine) use(rules *rego.Rules, at time.Time) {
	e.serving.Store(&serving{rules: rules, since: at})
}

func (e *Engine) refuse(why error) { e.serving.Store(&serving{why: why}) }

// Well returns nil while there is a policy to decide by, and else why nothing is decided.
func (e *Engine) Well() error {
	if now := e.serving.Load(); now.rules == nil {
		return fmt.Errorf("nothing is decided: %w", now.why)
	}
	return nil
}
