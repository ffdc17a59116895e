package rollout

import (
	"context"
	"fmt"
	"time"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/policies/rego"
)

// tryWithin bounds all reference questions of a candidate together.
const tryWithin = 30 * time.Second

// OwedError says that a candidate owes the answer to a question: in force it would deny, whatever else its rules say.
type OwedError struct {
	About string // what the question is about
	Err   error
}

func (e *OwedError) Error() string { return fmt.Sprintf("%v (asked about %s)", e.Err, e.About) }

func (e *OwedError) Unwrap() error { return e.Err }

// try asks a candidate each reference question. One that owes an answer cannot be used.
func (r *Rollout) try(ctx context.Context, candidate *rego.Rules) error {
	ctx, cancel := context.WithTimeoutCause(ctx, tryWithin, fmt.Errorf("its rules do not answer %d questions within %s", len(r.reference), tryWithin))
	defer cancel()
	for _, q := range r.reference {
		if _, err := candidate.Trial().Ask(ctx, q); err != nil {
			return owed(q, err)
		}
	}
	return nil
}

func owed(q policies.Question, err error) error { return &OwedError{short(aboutOf(q)), err} }
