package recovery

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
)

// breaks is that two people want the plan that is held back to run without policy.
func (s *stage) breaks(id incident.ID, names ...string) {
	s.t.Helper()
	for _, name := range names {
		s.put(id, incident.Record{Kind: incident.Broke, Writer: "me", At: time.Now(), Break: &incident.Break{Person: name, Plan: s.now(id).Decision.Plan.Digest, Reason: "it burns"}})
	}
}

func TestBrokenGlass(t *testing.T) {
	for name, c := range map[string]struct {
		people []string
		then   func(s *stage)
		state  incident.State
		effect []string
	}{
		"one person is not enough": {[]string{"ada"}, func(*stage) {}, incident.Held, nil},
		"two people let it run":    {[]string{"ada", "olga"}, func(*stage) {}, incident.Recovered, []string{"recover-0", "recover-1"}},
		"a pause still holds":      {[]string{"ada", "olga"}, func(s *stage) { s.pause() }, incident.Held, nil},
		"a plan that got worse":    {[]string{"ada", "olga"}, func(s *stage) { s.steps++ }, incident.Held, nil},
		"policy works again, and denies": {[]string{"ada", "olga"}, func(s *stage) {
			s.broken, s.verdict = nil, func(policies.Question) policies.Verdict { return policies.Deny }
		}, incident.Held, nil},
		"policy fails otherwise": {[]string{"ada", "olga"}, func(s *stage) { s.broken = context.DeadlineExceeded }, incident.Held, nil},
		"policy works again in mid-plan, and denies": {[]string{"ada", "olga"}, func(s *stage) {
			s.apply = func(context.Context, string) error {
				s.broken, s.verdict = nil, func(policies.Question) policies.Verdict { return policies.Deny }
				return nil
			}
		}, incident.Acting, []string{"recover-0"}},
		"paused in mid-plan": {[]string{"ada", "olga"}, func(s *stage) {
			s.apply = func(_ context.Context, step string) error {
				if step == "recover-1" {
					s.pause()
				}
				return nil
			}
		}, incident.Acting, []string{"recover-0"}},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *stage) {
				s.broken = policies.ErrNone
				id := s.opened()
				if inc := s.moves(id); inc.State != incident.Held || !inc.Decision.Answer.Breakable() {
					t.Fatalf("%s: %+v", inc.State, inc.Decision)
				}
				c.then(s)
				time.Sleep(time.Second)
				s.breaks(id, c.people...)
				if inc := s.moves(id); inc.State != c.state || !slices.Equal(s.applied, c.effect) {
					t.Errorf("%s with effects %v: %s", inc.State, s.applied, inc.Why)
				}
				if len(s.holding(id).Entries) != 0 && c.effect == nil {
					t.Errorf("it holds %v", s.holding(id).Entries)
				}
			})
		})
	}
}

// TestBrokenGlassIsForOnePlan, which has to begin within half an hour, also where a brake held it back meanwhile; a stop ends it.
func TestBrokenGlassIsForOnePlan(t *testing.T) {
	for name, c := range map[string]struct {
		wait time.Duration
		stop bool
		runs bool
	}{"in time": {20 * time.Minute, false, true}, "too late": {31 * time.Minute, false, false}, "stopped": {20 * time.Minute, true, false}} {
		play(t, func(s *stage) {
			s.broken = policies.ErrNone
			id := s.opened()
			s.moves(id)
			s.pause()
			time.Sleep(time.Second)
			s.breaks(id, "ada", "olga")
			s.moves(id)
			if c.stop && !s.halt(id, false) {
				t.Error("it cannot be stopped")
			}
			time.Sleep(c.wait)
			s.moves(id)
			s.unpause()
			time.Sleep(time.Minute)
			if s.moves(id); (len(s.applied) > 0) != c.runs {
				t.Errorf("%s: effects %v", name, s.applied)
			}
		})
	}
	play(t, func(s *stage) {
		s.broken = policies.ErrNone
		id := s.opened()
		s.moves(id)
		s.breaks(id, "ada", "olga")
		s.apply = func(context.Context, string) error { return context.DeadlineExceeded }
		s.moves(id)
		for range 3 {
			time.Sleep(time.Minute)
			s.moves(id)
		}
		if inc := s.now(id); inc.Attempts != 1 {
			t.Errorf("%d plans ran on one consent", inc.Attempts)
		}
	})
}
