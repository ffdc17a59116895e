package rego

import (
	"context"
	"errors"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/salvor-io/salvor/policies"
)

// trial asks as Ask does, and names the line that takes too long.
type trial func(ctx context.Context, q policies.Question, tracers ...topdown.QueryTracer) (policies.Said, error)

// Trial asks as Ask does, for those who look for what is wrong with rules: where they do not end within the deadline, the error names the
// line that is at work, too. Finding that takes another deadline.
func (r *Rules) Trial() policies.Engine { return trial(r.ask) }

// Trial asks the rules in force, as Rules.Trial does.
func (e *Engine) Trial() policies.Engine { return trial(e.ask) }

// Ask implements policies.Engine.
func (t trial) Ask(ctx context.Context, q policies.Question) (policies.Said, error) {
	said, err := t(ctx, q)
	if !errors.Is(err, ErrSlow) {
		return said, err
	}
	if at := t.atWork(ctx, q); at != nil {
		err = problems{{at.File, at.Row, err.Error()}}
	}
	return said, err
}

// AtWork asks a question that took too long again, and says which line is at work when the deadline passes, as "zone.rego:14". It is "" when
// the rules end in time, or ctx does.
func (r *Rules) AtWork(ctx context.Context, q policies.Question) string {
	if at := trial(r.ask).atWork(ctx, q); at != nil {
		return fmt.Sprintf("%s:%d", at.File, at.Row)
	}
	return ""
}

func (t trial) atWork(ctx context.Context, q policies.Question) *ast.Location {
	var last lastLine
	if _, err := t(ctx, q, &last); !errors.Is(err, ErrSlow) {
		return nil
	}
	return last.at
}

// lastLine is a tracer that keeps where evaluation was last.
type lastLine struct{ at *ast.Location }

// Enabled implements topdown.QueryTracer.
func (*lastLine) Enabled() bool { return true }

// Config implements topdown.QueryTracer.
func (*lastLine) Config() topdown.TraceConfig { return topdown.TraceConfig{} }

// TraceEvent implements topdown.QueryTracer.
func (l *lastLine) TraceEvent(event topdown.Event) {
	if event.Op == topdown.EvalOp && event.Location != nil && event.Location.File != "" {
		l.at = event.Location
	}
}
