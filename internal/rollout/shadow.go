package rollout

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/policies/rego"
)

const (
	shadowQueue = 256 // questions that wait for the shadows
	shadowKept  = 50  // differences that are kept of each
)

// The shadows that there may be.
const (
	shadowHeld       = "held"       // the policy that waits for a person
	shadowConfigured = "configured" // the one that salvor.yaml names
)

// ShadowStatus is what was seen of a policy that is asked beside the one in force, since it is.
type ShadowStatus struct {
	Name     string       `json:"name"` // held or configured
	Revision string       `json:"revision"`
	Problem  string       `json:"problem,omitempty"` // why it cannot be asked
	Seen     Sums         `json:"seen"`
	Last     []Difference `json:"last"` // the differences that were seen last, the newest last
}

// shadow asks other policies what the one in force was asked, in the background. It never holds up who asks: what does not fit into its
// queue is dropped, and counted.
type shadow struct {
	log     *slog.Logger
	queue   chan asked
	dropped atomic.Uint64

	mu     sync.Mutex
	trials map[string]*trial
	total  Sums // of all shadows there ever were
}

type asked struct {
	q    policies.Question
	said policies.Said
}

// trial is one policy that is asked, or the reason why it cannot be. Its status is guarded by the mutex of its shadow.
type trial struct {
	rules  *rego.Rules
	status ShadowStatus
}

func newShadow(log *slog.Logger) *shadow {
	return &shadow{log: log, queue: make(chan asked, shadowQueue), trials: map[string]*trial{}}
}

// try has a policy asked under a name, or notes why it cannot be. What was asked under the name before is asked no more.
func (s *shadow) try(name, revision string, rules *rego.Rules, problem error) {
	t := &trial{rules: rules, status: ShadowStatus{Name: name, Revision: revision, Last: []Difference{}}}
	if problem != nil {
		t.status.Problem = problem.Error()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trials[name] = t
}

// drop ends what is asked under a name.
func (s *shadow) drop(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.trials, name)
}

// tries is the revision that is asked under a name, "" when none is.
func (s *shadow) tries(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.trials[name]; t != nil {
		return t.status.Revision
	}
	return ""
}

// see takes down what was asked and answered. It never blocks.
func (s *shadow) see(q policies.Question, said policies.Said) {
	s.mu.Lock()
	idle := len(s.trials) == 0
	s.mu.Unlock()
	if idle {
		return
	}
	select {
	case s.queue <- asked{q, said}:
	default:
		s.dropped.Add(1)
	}
}

// run asks until ctx ends.
func (s *shadow) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case one := <-s.queue:
			for name, t := range s.now() {
				s.compare(ctx, name, t, one)
			}
		}
	}
}

func (s *shadow) now() map[string]*trial {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]*trial{}
	for name, t := range s.trials {
		if t.rules != nil {
			out[name] = t
		}
	}
	return out
}

// compare asks one policy. Its rules have a deadline of their own.
func (s *shadow) compare(ctx context.Context, name string, t *trial, one asked) {
	d := differenceOf(one.q, policies.Unheld(one.said, one.q), unheld(ctx, t.rules, one.q))
	if ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	t.status.Seen.add(d.Change)
	s.total.add(d.Change)
	again := d.Change != policies.Same && t.status.keep(d)
	s.mu.Unlock()
	if d.Change != policies.Same && !again {
		s.log.Info("a shadow would decide otherwise; nothing is done by it", "shadow", name, "revision", t.rules.Revision(), "in_force", one.said.Revision,
			"change", d.Change, "incident", d.Incident, "about", d.About, "was", d.Was, "is", d.Is)
	}
}

// keep keeps a difference as the newest, and says whether the same was kept before: what waits for a person is asked again and again.
func (s *ShadowStatus) keep(d Difference) (again bool) {
	last := slices.DeleteFunc(slices.Clone(s.Last), func(known Difference) bool { return known.repeats(d) })
	again = len(last) < len(s.Last)
	s.Last = append(last[max(0, len(last)-shadowKept+1):], d)
	return again
}

// repeats says whether a difference is the same as another, but for when it was seen.
func (d Difference) repeats(other Difference) bool {
	return d.like == other.like && d.Change == other.Change && d.Was == other.Was && d.Is == other.Is
}

// status is what was seen of each, by name.
func (s *shadow) status() (all []ShadowStatus, total Sums) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range []string{shadowHeld, shadowConfigured} {
		if t := s.trials[name]; t != nil {
			all = append(all, t.status)
		}
	}
	return all, s.total
}
