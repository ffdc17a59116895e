package rego

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/salvor-io/salvor/policies"
)

// ErrSlow is wrapped by the error of Ask when the rules do not end within the deadline.
var ErrSlow = errors.New("a rule takes too long for this question")

// Rules are one compiled policy. They answer by nothing else, and may be used by many goroutines.
type Rules struct {
	program  *program
	deadline time.Duration
}

// Compile checks and compiles a policy. The error lists all that is wrong, one problem a line, with file and line.
func Compile(p Policy, options Options) (*Rules, error) {
	deadline := options.Deadline
	if deadline <= 0 {
		deadline = DefaultDeadline
	}
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	compiled, err := compile(ctx, p.files, options)
	if err != nil {
		return nil, err
	}
	return &Rules{compiled, deadline}, nil
}

// Revision names the rules: that of the policy they were compiled of.
func (r *Rules) Revision() string { return r.program.revision }

// Ask returns what the rules say to the question, each sentence with the file and line of its rule. It is pure in the
// question and the revision. It returns an error, and nothing else, when a rule cannot be evaluated, says something
// malformed, or does not end within the deadline.
func (r *Rules) Ask(ctx context.Context, q policies.Question) (policies.Said, error) {
	return r.ask(ctx, q)
}

func (r *Rules) ask(ctx context.Context, q policies.Question, tracers ...topdown.QueryTracer) (policies.Said, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.deadline,
		fmt.Errorf("no answer within %s: %w", r.deadline, ErrSlow))
	defer cancel()
	said, err := r.program.ask(ctx, q, tracers...)
	if err != nil {
		return policies.Said{}, fmt.Errorf("evaluate policy %s: %w", r.program.revision, err)
	}
	return said, nil
}
