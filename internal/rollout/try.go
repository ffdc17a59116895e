package rollout

import (
	"context"
	"fmt"
	"time"

	"github.com/salvor-io/salvor/policies"
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

// Try asks a candidate the reference questions, as a server with clusters of these environments does before the candidate counts. It returns
// an OwedError for the first that the candidate owes an answer to.
func Try(ctx context.Context, candidate policies.Engine, environments []string) error {
	return try(ctx, candidate, reference(fleet{environments: environments}))
}

func try(ctx context.Context, candidate policies.Engine, questions []policies.Question) error {
	ctx, cancel := context.WithTimeoutCause(ctx, tryWithin, fmt.Errorf("the rules do not answer %d questions within %s", len(questions), tryWithin))
	defer cancel()
	for _, q := range questions {
		if _, err := candidate.Ask(ctx, q); err != nil {
			return owed(q, err)
		}
	}
	return nil
}

func owed(q policies.Question, err error) error { return &OwedError{short(aboutOf(q)), err} }
