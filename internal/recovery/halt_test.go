package recovery

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// halt has a person stop the plan there is, as the desk does, and says whether there was one.
func (s *stage) halt(id incident.ID, undo bool) bool {
	s.t.Helper()
	inc := s.now(id)
	h := incident.Halt{Person: "ada", Groups: []string{"sre"}, Via: "token", Undo: undo}
	if inc.Halting() == nil || inc.Halts(h) != nil {
		return false
	}
	h.Plan = inc.Halting().Digest
	if _, err := s.store.Writer("desk").AppendReleasing(s.t.Context(), inc, incident.Record{Kind: incident.Halted, At: time.Now(), Halt: &h, Text: "ada stopped it"}); err != nil {
		s.t.Fatal(err)
	}
	return true
}

// restless makes moves through eight minutes, each by an engine that knows nothing of the ones before, as after a kill.
func (s *stage) restless(id incident.ID) *incident.Incident {
	s.t.Helper()
	for range 8 {
		s.Engine = New(s.Options)
		s.moves(id)
		time.Sleep(time.Minute)
	}
	return s.now(id)
}

func ofPhase(applied []string, phase incident.Phase) (n int) {
	for _, step := range applied {
		if strings.HasPrefix(step, string(phase)) {
			n++
		}
	}
	return n
}

// TestStoppedAtEachRecord: whichever record of a life a stop comes before, nothing is written for the plan from then on, no step is done twice,
// and what was done stays or is taken back once. It rests, and its budget is free.
func TestStoppedAtEachRecord(t *testing.T) {
	for at := range 5 { // intent, done, intent, done, checked
		for _, undo := range []bool{false, true} {
			t.Run(fmt.Sprintf("record %d, undo %v", at, undo), func(t *testing.T) {
				play(t, func(s *stage) {
					id := s.opened()
					seen, stopped, before := 0, false, 0
					s.rival = func(incident.Record) {
						if seen++; seen > at && !stopped {
							stopped, before = s.halt(id, undo), len(s.applied)
						}
					}
					s.moves(id)
					inc := s.restless(id)
					if !stopped {
						t.Fatal("nothing was stopped")
					}
					s.isStopped(inc, before, undo)
				})
			})
		}
	}
}

// isStopped holds what is so of a plan after a stop, before which so many steps took effect.
func (s *stage) isStopped(inc *incident.Incident, before int, undo bool) {
	s.t.Helper()
	done := s.applied[:before]
	if inc.State != incident.HandedOver || inc.Attempts != 1 || ofPhase(s.applied, incident.PhaseRecover) != len(done) {
		s.t.Errorf("%s after %d attempts with effects %v, of which %v before the stop", inc.State, inc.Attempts, s.applied, done)
	}
	begun := slices.ContainsFunc(inc.History, func(rec incident.Sequenced) bool { return rec.Kind == incident.Intent })
	if want := map[bool]int{true: 2}[undo && begun]; ofPhase(s.applied, incident.PhaseUndo) != want {
		s.t.Errorf("effects %v, want %d of taking it back", s.applied, want)
	}
	if inc.Wrote != (begun && !undo) || len(s.holding(inc.ID).Entries) != 0 {
		s.t.Errorf("something to take back: %v; it holds %v", inc.Wrote, s.holding(inc.ID).Entries)
	}
}

// TestStoppedBeforeAWrite: a stop that comes while a responder is at work is seen by its next write.
func TestStoppedBeforeAWrite(t *testing.T) {
	for _, undo := range []bool{false, true} {
		play(t, func(s *stage) {
			id := s.opened()
			s.apply = func(ctx context.Context, step string) error {
				if step == "recover-1" {
					s.halt(id, undo)
				}
				return nil
			}
			s.moves(id)
			s.isStopped(s.restless(id), 1, undo)
		})
	}
}

// TestStopEndsAWait: who stops a plan does not wait for the deadline of its step, nor for that of its checks.
func TestStopEndsAWait(t *testing.T) {
	for _, steps := range []int{0, 1, 2} { // after so many the stop comes: in the next, or in the check
		play(t, func(s *stage) {
			id := s.opened()
			s.found = func() responders.Finding {
				inc := s.now(id)
				if inc.State == incident.Acting && inc.Next < steps {
					return responders.Finding{Outcome: responders.OutcomeVerified}
				}
				if s.halt(id, false) {
					inc = s.now(id)
					s.Interrupt(inc.History[len(inc.History)-1])
				}
				return responders.Finding{Outcome: responders.OutcomeNotVerified}
			}
			began := time.Now()
			if inc := s.moves(id); inc.State != incident.HandedOver || time.Since(began) > time.Second {
				t.Errorf("%s after %s", inc.State, time.Since(began))
			}
		})
	}
}

func TestStopOfWhatWasApproved(t *testing.T) {
	play(t, func(s *stage) {
		id := asks(s)
		s.say(id, incident.Approve, "ada", "sre")
		if !s.halt(id, true) {
			t.Fatal("there was nothing to stop")
		}
		if inc := s.restless(id); inc.State != incident.HandedOver || len(s.applied) != 0 || count(inc, incident.Decided) != 1 {
			t.Errorf("%s with effects %v after %d decisions", inc.State, s.applied, count(inc, incident.Decided))
		}
	})
}

// TestUndoOfAStoppedPlan: what policy says of taking it back counts: who ordered it is one of those whom it can ask.
func TestUndoOfAStoppedPlan(t *testing.T) {
	for name, c := range map[string]struct {
		verdict policies.Verdict
		group   string
		votes   int
		undone  int
	}{
		"policy lets it run":            {policies.Act, "others", 1, 2},
		"policy asks those":             {policies.Ask, "sre", 1, 2},
		"policy asks others":            {policies.Ask, "others", 1, 0},
		"policy asks one more":          {policies.Ask, "sre", 2, 0},
		"policy denies to take it back": {policies.Deny, "sre", 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *stage) {
				id := s.opened()
				s.verdict = func(q policies.Question) policies.Verdict {
					if q.Plan.Phase == string(incident.PhaseUndo) {
						return c.verdict
					}
					return policies.Act
				}
				s.asks = policies.Asks{Needs: []policies.Need{{Groups: []string{c.group}, Votes: c.votes}}, Votes: c.votes, WithinS: 600}
				s.apply = func(_ context.Context, step string) error {
					if step == "recover-1" {
						s.halt(id, true)
					}
					return nil
				}
				s.moves(id)
				inc := s.restless(id)
				if ofPhase(s.applied, incident.PhaseUndo) != c.undone || inc.State != incident.HandedOver {
					t.Errorf("%s with effects %v", inc.State, s.applied)
				}
				if c.undone > 0 && inc.Why != "ada stopped it" {
					t.Errorf("a person has it since %q", inc.Why)
				}
			})
		})
	}
}

// TestAStoppedPlanAndItsFault: what was to stay stays when the fault is gone; by then it is nobody's but a person's. A fault that comes back after
// that is one as any other.
func TestAStoppedPlanAndItsFault(t *testing.T) {
	play(t, func(s *stage) {
		id := s.opened()
		s.apply = func(_ context.Context, step string) error {
			if step == "recover-1" {
				s.halt(id, false)
			}
			return nil
		}
		s.moves(id)
		s.finding = nil
		inc := s.restless(id)
		if inc.State != incident.Ended || !slices.Equal(s.applied, []string{"recover-0"}) || !strings.Contains(inc.Why, "left as it is") {
			t.Errorf("%s with effects %v: %s", inc.State, s.applied, inc.Why)
		}
	})
}

// TestTakenBackAfterAll: what was stopped and stays can still be taken back, once.
func TestTakenBackAfterAll(t *testing.T) {
	play(t, func(s *stage) {
		id := s.opened()
		s.apply = func(_ context.Context, step string) error {
			if step == "recover-1" {
				s.halt(id, false)
			}
			return nil
		}
		s.moves(id)
		if s.halt(id, false) || !s.halt(id, true) || s.halt(id, true) {
			t.Error("it is stopped twice, or not taken back once")
		}
		s.isStopped(s.restless(id), 1, true)
	})
}

// TestAnUndoIsStoppedToo: taking back what was done is stopped as anything is, and rests also when the fault is gone.
func TestAnUndoIsStoppedToo(t *testing.T) {
	play(t, func(s *stage) {
		id := s.opened()
		s.moves(id)
		s.apply = func(_ context.Context, step string) error {
			if step == "undo-1" {
				s.halt(id, false)
			}
			return nil
		}
		s.finding = nil
		inc := s.restless(id)
		if inc.State != incident.Ended || ofPhase(s.applied, incident.PhaseUndo) != 1 {
			t.Errorf("%s with effects %v", inc.State, s.applied)
		}
	})
}

// TestWhatAnotherReplicaBeganLandsFirst: a write that another replica began before the stop, or before the fault was gone, may still land. What was done is taken back once it has,
// or cannot any more, and not before it, when there would be nothing to take back yet. What this replica began has landed.
func TestWhatAnotherReplicaBeganLandsFirst(t *testing.T) {
	for name, c := range map[string]struct {
		writer   string
		alone    bool
		deadline time.Duration
		waits    time.Duration
	}{
		"of another replica":         {"other", false, 10 * time.Minute, landsWithin},
		"whose time is over by then": {"other", false, 5 * time.Second, 5 * time.Second},
		"of this one":                {"me", false, 10 * time.Minute, 0},
		"of one that is gone":        {"other", true, 10 * time.Minute, 0},
	} {
		for _, gone := range []bool{false, true} {
			play(t, func(s *stage) {
				s.Alone, s.Terms.Healthy = c.alone, time.Second
				id := s.opened()
				plan, _ := s.Plan(t.Context(), "book", incident.PhaseRecover, nil, s.env(s.now(id), s.Look(nil)))
				s.put(id, incident.Record{Kind: incident.Decided, Writer: c.writer, At: time.Now(), Decided: &incident.Decision{Phase: incident.PhaseRecover, Plan: &plan,
					Answer: policies.Decision{Verdict: policies.Act}}})
				s.put(id, incident.Record{Kind: incident.Intent, Writer: c.writer, At: time.Now(), Step: &incident.StepRef{Phase: incident.PhaseRecover, Plan: plan.Digest,
					Name: "recover-0", Deadline: time.Now().Add(c.deadline)}})
				began := time.Now()
				if gone {
					s.finding = nil
				} else {
					s.halt(id, true)
				}
				s.moves(id)
				for len(s.applied) == 0 && time.Since(began) < time.Hour {
					time.Sleep(time.Second)
					s.moves(id)
				}
				if waited := time.Since(began).Truncate(time.Second); waited < c.waits || waited > c.waits+2*time.Second || !slices.Equal(s.applied, []string{"undo-0", "undo-1"}) {
					t.Errorf("%s, gone %v: waited %s for %v", name, gone, waited, s.applied)
				}
			})
		}
	}
}
