package rego

import (
	"context"
	"errors"

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
	var last lastLine
	if _, again := t(ctx, q, &last); errors.Is(again, ErrSlow) && last.at != nil {
		err = problems{{last.at.File, last.at.Row, err.Error()}}
	}
	return said, err
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
