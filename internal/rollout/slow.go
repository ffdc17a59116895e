package rollout

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/salvor-io/salvor/internal/clock"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/policies/rego"
)

// slowEvery bounds how often the line of a slow rule is looked for: each look takes as long as the question took.
const slowEvery = time.Minute

// Slow is a rule that took too long for a question, so that it was denied.
type Slow struct {
	Rule  string    `json:"rule"`  // "zone.rego:14": what was at work when the time was over
	About string    `json:"about"` // as in a Difference
	Now   time.Time `json:"now"`   // of the question

	revision string
}

// slowness finds the lines of rules that take too long, behind the back of who asks: a question is denied at its deadline, and asked again
// later and elsewhere, with a trace. One question waits at most; those that come meanwhile are denied all the same.
type slowness struct {
	log     *slog.Logger
	changed func()
	queue   chan slowQuestion
	last    atomic.Pointer[Slow]
}

type slowQuestion struct {
	rules *rego.Rules
	q     policies.Question
}

func newSlowness(log *slog.Logger, changed func()) *slowness {
	return &slowness{log: log, changed: changed, queue: make(chan slowQuestion, 1)}
}

// see takes down what was asked and not answered in time. It never blocks.
func (s *slowness) see(rules *rego.Rules, q policies.Question) {
	select {
	case s.queue <- slowQuestion{rules, q}:
	default:
	}
}

// run looks until ctx ends.
func (s *slowness) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case one := <-s.queue:
			s.find(ctx, one)
			if !clock.Sleep(ctx, slowEvery) {
				return nil
			}
		}
	}
}

func (s *slowness) find(ctx context.Context, one slowQuestion) {
	rule := one.rules.AtWork(ctx, one.q)
	about, revision := short(aboutOf(one.q)), one.rules.Revision()
	switch {
	case ctx.Err() != nil:
	case rule == "":
		s.log.Warn("the rules took too long for a question, and not when they were asked again: this machine may be too busy", "revision", revision, "about", about)
	default:
		s.log.Warn("a rule takes too long for a question, which is denied", "rule", rule, "revision", revision, "about", about)
		s.last.Store(&Slow{rule, about, one.q.Now, revision})
		s.changed()
	}
}

// of is what was found last of a revision, nil when nothing was.
func (s *slowness) of(revision string) *Slow {
	if last := s.last.Load(); last != nil && last.revision == revision {
		return last
	}
	return nil
}
