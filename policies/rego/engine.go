// Package rego evaluates the rules of policy authors with an embedded OPA. It is the only package that knows OPA.
//
// Authors write the partial sets deny, ask and act in packages below salvor.policies (policies/README.md is their guide).
// Everything that can be refused is refused when the rules are loaded, with file and line: a rule of another form, a rule
// that nothing uses, an unknown field of the input, a function that is not pure. What can only be seen while rules run,
// such as a malformed ask, is an error of Ask: then nothing was said at all.
package rego

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/salvor-io/salvor/policies"
)

// DefaultDeadline bounds one evaluation when Options name no other.
const DefaultDeadline = time.Second

// Options tune an Engine.
type Options struct {
	// Deadline bounds one Ask; 0 means DefaultDeadline. It is looked at between expressions: a single call of a function
	// is not interrupted.
	Deadline time.Duration

	// Responders are the names of all that there are: a rule that looks for another one is refused. None: that is not looked at.
	Responders []string

	// Runbooks are the names of all that there are, as Responders.
	Runbooks []string

	// Taken says that some version took these rules before: comparisons that have no effect, and times to answer in that nobody can mean, are
	// let be, since a later version that knows more of them must not stop what is in force.
	Taken bool
}

// Engine answers questions by the rules that were loaded last. It may be used by many goroutines, also while Load runs. The
// zero value holds no rules: Ask returns an error until Load succeeded.
type Engine struct {
	options Options
	current atomic.Pointer[Rules]
}

// New makes an engine with the rules of all sources. It returns an error as Load does.
func New(ctx context.Context, sources []Source, options Options) (*Engine, error) {
	engine := &Engine{options: options}
	if err := engine.Load(ctx, sources); err != nil {
		return nil, err
	}
	return engine, nil
}

// Load replaces the rules by those of all sources. All is read, checked and compiled before anything changes: on an error
// the engine goes on with the rules it had. Questions that are being answered end with the rules they began with.
func (e *Engine) Load(ctx context.Context, sources []Source) error {
	read, err := Read(ctx, sources)
	if err != nil {
		return fmt.Errorf("load policy: %w", err)
	}
	next, err := Compile(read, e.options)
	if err != nil {
		return fmt.Errorf("load policy: %w", err)
	}
	e.current.Store(next)
	return nil
}

// Revision names the rules in force: 12 hex digits over the loaded files, or "" when there are none.
func (e *Engine) Revision() string {
	if rules := e.current.Load(); rules != nil {
		return rules.Revision()
	}
	return ""
}

// Ask returns what the rules in force say to the question, as Rules.Ask does.
func (e *Engine) Ask(ctx context.Context, q policies.Question) (policies.Said, error) {
	return e.ask(ctx, q)
}

func (e *Engine) ask(ctx context.Context, q policies.Question, tracers ...topdown.QueryTracer) (policies.Said, error) {
	rules := e.current.Load()
	if rules == nil {
		return policies.Said{}, fmt.Errorf("evaluate policy: no rules are loaded")
	}
	return rules.ask(ctx, q, tracers...)
}
