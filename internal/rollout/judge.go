package rollout

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/salvor-io/salvor/policies"
)

const (
	judgeWithin = 30 * time.Second    // how long a candidate is judged by what was decided
	judgeBack   = 30 * 24 * time.Hour // how old that may be
	judgeMost   = 10_000              // and how many questions it may be
)

// Recorded are the decisions that were stored, the newest first, each with the question that was asked.
type Recorded interface {
	RecentDecisions(ctx context.Context, since time.Time, each func(doc json.RawMessage) (more bool)) error
}

// judge says what a candidate would change: both are asked the fixed set of questions, and those that were decided lately, as many as there
// is time for. Mode and brakes are left out: they hold back either alike, today, and in mode observe nothing would ever look looser. It
// returns an OwedError where the candidate owes the answer to what was decided.
func (r *Rollout) judge(ctx context.Context, was, is policies.Engine) (*Report, error) {
	report := &Report{Differ: []Difference{}}
	for _, q := range r.reference {
		report.add(&report.Reference, differenceOf(q, unheld(ctx, was, q), unheld(ctx, is, q)))
	}
	until, asked := r.Clock().Add(judgeWithin), 0
	var owes error
	err := r.Recorded.RecentDecisions(ctx, r.Clock().Add(-judgeBack), func(doc json.RawMessage) bool {
		if asked == judgeMost || r.Clock().After(until) || ctx.Err() != nil {
			report.Cut = true
			return false
		}
		q, ok := askable(doc)
		if !ok {
			return true
		}
		said, err := is.Ask(ctx, q)
		if err != nil {
			owes = owed(q, err)
			return false
		}
		asked, report.From = asked+1, q.Now
		report.add(&report.Recorded, differenceOf(q, unheld(ctx, was, q), policies.Unheld(said, q)))
		return true
	})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("read what was decided: %w", err)
	}
	return report, owes
}

// askable is the question of a stored decision, unless another version asked it: then it cannot be asked again.
func askable(doc json.RawMessage) (q policies.Question, ok bool) {
	var stored struct {
		Question policies.Question `json:"question"`
	}
	err := json.Unmarshal(doc, &stored)
	return stored.Question, err == nil && stored.Question.Schema == policies.InputVersion
}

// unheld is what would be decided but for mode and brakes. What cannot be asked denies, as it would when it counts.
func unheld(ctx context.Context, e policies.Engine, q policies.Question) policies.Decision {
	said, err := e.Ask(ctx, q)
	if err != nil {
		return policies.Silent(err)
	}
	return policies.Unheld(said, q)
}
