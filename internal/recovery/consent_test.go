package recovery

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
)

// say is what a person says about the plan that is asked about.
func (s *stage) say(id incident.ID, says incident.Voice, person string, groups ...string) {
	s.t.Helper()
	s.put(id, incident.Record{Kind: incident.Voted, Writer: "me", At: time.Now(),
		Ballot: &incident.Ballot{Person: person, Groups: groups, Says: says, Plan: s.now(id).Approval.Plan.Digest}})
}

// asks has policy ask about everything.
func asks(s *stage) incident.ID {
	s.verdict = func(policies.Question) policies.Verdict { return policies.Ask }
	id := s.opened()
	s.moves(id)
	return id
}

func count(inc *incident.Incident, kind incident.RecordKind) (n int) {
	for _, rec := range inc.History {
		if rec.Kind == kind {
			n++
		}
	}
	return n
}

func TestApprovedPlanRuns(t *testing.T) {
	play(t, func(s *stage) {
		id := asks(s)
		if inc := s.now(id); inc.State != incident.Awaiting || len(s.applied) != 0 {
			t.Fatalf("%s with effects %v before anybody was asked", inc.State, s.applied)
		}
		s.say(id, incident.Approve, "ada", "sre")
		inc := s.moves(id)
		if inc.State != incident.Recovered || !slices.Equal(s.applied, []string{"recover-0", "recover-1"}) {
			t.Errorf("%s with effects %v", inc.State, s.applied)
		}
		s.finding = nil
		s.moves(id)
		time.Sleep(time.Minute)
		if inc = s.moves(id); inc.Wrote || !slices.Contains(s.applied, "undo-1") {
			t.Errorf("%s with effects %v: consent to the recovery is consent to taking it back", inc.State, s.applied)
		}
	})
}

func TestPlanIsNotAskedAboutAgain(t *testing.T) {
	play(t, func(s *stage) {
		id := asks(s)
		for range 3 {
			time.Sleep(time.Minute)
			s.moves(id)
		}
		s.done = 1 // a part of it is left to do
		time.Sleep(time.Minute)
		if inc := s.moves(id); count(inc, incident.Decided) != 1 {
			t.Errorf("asked %d times about the same plan, or a part of it", count(inc, incident.Decided))
		}
		s.say(id, incident.Approve, "ada", "sre")
		if inc := s.moves(id); inc.State != incident.Recovered || !slices.Equal(s.applied, []string{"recover-0", "recover-1"}) || len(inc.Plan.Steps[0].Change.Targets) > 0 {
			t.Errorf("%s with effects %v, want the part that was left", inc.State, s.applied)
		}
	})
}

func TestWorsePlanIsAskedAboutAgain(t *testing.T) {
	play(t, func(s *stage) {
		id := asks(s)
		s.say(id, incident.Approve, "ada", "sre")
		for round := 2; round <= maxRounds; round++ {
			s.steps++
			inc := s.moves(id)
			if inc.State != incident.Awaiting || inc.Rounds != round || len(s.applied) != 0 {
				t.Fatalf("%s in round %d with effects %v, want round %d of asking", inc.State, inc.Rounds, s.applied, round)
			}
			if worse := inc.Decision.Worse; len(worse) != 1 || !strings.Contains(worse[0], "steps instead of") {
				t.Errorf("the difference is %v", worse)
			}
			s.say(id, incident.Approve, "ada", "sre")
		}
		s.steps++
		if inc := s.moves(id); inc.State != incident.HandedOver || len(s.applied) != 0 {
			t.Errorf("%s with effects %v, want a person to go on", inc.State, s.applied)
		}
	})
}

func TestRejectedPlanRests(t *testing.T) {
	play(t, func(s *stage) {
		id := asks(s)
		s.say(id, incident.Reject, "ada", "sre")
		time.Sleep(time.Minute)
		s.moves(id)
		s.verdict = func(policies.Question) policies.Verdict { return policies.Act }
		time.Sleep(time.Minute)
		if inc := s.moves(id); inc.State != incident.HandedOver || count(inc, incident.Decided) != 1 || len(s.applied) != 0 {
			t.Fatalf("%s after %d decisions with effects %v: what people refused is not done", inc.State, count(inc, incident.Decided), s.applied)
		}
		s.verdict = func(policies.Question) policies.Verdict { return policies.Ask }
		s.steps++
		time.Sleep(time.Minute)
		if inc := s.moves(id); inc.State != incident.Awaiting || inc.Rounds != 2 {
			t.Errorf("%s in round %d, want to ask again about what is worse", inc.State, inc.Rounds)
		}
	})
}

func TestNobodyAnswers(t *testing.T) {
	play(t, func(s *stage) {
		id := asks(s)
		for range 25 {
			time.Sleep(time.Minute)
			s.moves(id)
		}
		inc := s.now(id)
		if inc.State != incident.HandedOver || len(s.applied) != 0 {
			t.Errorf("%s with effects %v: silence is no consent", inc.State, s.applied)
		}
		if got := []int{count(inc, incident.Reminded), count(inc, incident.Escalated), count(inc, incident.Expired)}; !slices.Equal(got, []int{2, 1, 1}) {
			t.Errorf("reminded, escalated, expired: %v", got)
		}
	})
}

func TestStricterPolicyOutweighsConsent(t *testing.T) {
	for name, c := range map[string]struct {
		then func(*stage)
		want incident.State
	}{
		"two are asked now": {func(s *stage) { s.asks.Votes = 2 }, incident.Awaiting},
		"others are asked":  {func(s *stage) { s.asks.Needs = []policies.Need{{Groups: []string{"owners"}, Votes: 1}} }, incident.Awaiting},
		"it is denied":      {func(s *stage) { s.verdict = func(policies.Question) policies.Verdict { return policies.Deny } }, incident.Held},
		"it is paused":      {func(s *stage) { s.pause(); time.Sleep(time.Second) }, incident.Held},
		"its gate is denied": {func(s *stage) {
			s.verdict = func(q policies.Question) policies.Verdict {
				if q.About == policies.AboutGate {
					return policies.Deny
				}
				return policies.Ask
			}
		}, incident.Acting},
		"its gate asks others": {func(s *stage) {
			s.verdict = func(q policies.Question) policies.Verdict {
				if q.About == policies.AboutGate {
					s.asks.Votes = 2
				}
				return policies.Ask
			}
		}, incident.Acting},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *stage) {
				id := asks(s)
				s.say(id, incident.Approve, "ada", "sre")
				c.then(s)
				if inc := s.moves(id); inc.State != c.want || len(s.applied) != 0 {
					t.Errorf("%s with effects %v, want %s and none", inc.State, s.applied, c.want)
				}
			})
		})
	}
}

// TestWhatWasApprovedIsTakenBackAfterAFlap: in mode ask every plan asks, also what takes another back.
func TestWhatWasApprovedIsTakenBackAfterAFlap(t *testing.T) {
	play(t, func(s *stage) {
		id := asks(s)
		s.say(id, incident.Approve, "ada", "sre")
		s.moves(id)
		found := s.finding
		for _, seen := range []*classifiers.Finding{nil, found, nil} { // gone, back, gone
			s.finding = seen
			s.moves(id)
			time.Sleep(10 * time.Second)
		}
		for range 10 {
			time.Sleep(time.Minute)
			s.moves(id)
		}
		if inc := s.now(id); inc.State != incident.Ended || inc.Wrote || !slices.Contains(s.applied, "undo-1") {
			t.Errorf("%s with effects %v", inc.State, s.applied)
		}
	})
}

// TestAGateThatAsksMoreIsLeftToAPerson: in mid-plan nobody can be asked.
func TestAGateThatAsksMoreIsLeftToAPerson(t *testing.T) {
	play(t, func(s *stage) {
		id := asks(s)
		s.say(id, incident.Approve, "ada", "sre")
		s.verdict = func(q policies.Question) policies.Verdict {
			if q.About == policies.AboutGate {
				s.asks.Votes = 2
			}
			return policies.Ask
		}
		s.moves(id)
		for range 10 {
			if inc := s.now(id); inc.State != incident.Acting {
				t.Fatalf("%s before the time to answer is over", inc.State)
			}
			time.Sleep(time.Minute)
			s.moves(id)
		}
		if inc := s.now(id); inc.State != incident.HandedOver || len(s.applied) != 0 {
			t.Errorf("%s with effects %v", inc.State, s.applied)
		}
	})
}

func TestAFailedRunIsAskedAboutAgain(t *testing.T) {
	play(t, func(s *stage) {
		id := asks(s)
		s.apply = func(context.Context, string) error { return errors.New("the world is against it") }
		s.say(id, incident.Approve, "ada", "sre")
		if inc := s.moves(id); inc.State != incident.HandedOver || inc.Attempts != 1 {
			t.Fatalf("%s after %d attempts", inc.State, inc.Attempts)
		}
		time.Sleep(time.Minute)
		inc := s.moves(id)
		if inc.State != incident.Awaiting || inc.Rounds != 1 || len(inc.Approval.Ballots) != 0 {
			t.Errorf("%s in round %d: one consent is for one run", inc.State, inc.Rounds)
		}
	})
}

// TestPlansThatTakeTurns are asked about so often and no more, also after an attempt.
func TestPlansThatTakeTurns(t *testing.T) {
	for name, fails := range map[string]bool{"at first": false, "after an attempt": true} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *stage) {
				id := asks(s)
				if fails {
					s.apply = func(context.Context, string) error { return errors.New("the world is against it") }
					s.say(id, incident.Approve, "ada", "sre")
					s.moves(id)
				}
				for n := range 100 {
					s.books = []string{[]string{"book", "other"}[n%2]}
					time.Sleep(20 * time.Second)
					s.moves(id)
				}
				inc := s.now(id)
				if decided := count(inc, incident.Decided); inc.State != incident.HandedOver || decided > 6 || count(inc, incident.Handed) > 1 {
					t.Errorf("%s after %d decisions, handed over %d times", inc.State, decided, count(inc, incident.Handed))
				}
			})
		})
	}
}

func TestWhatPeopleRefusedIsRemembered(t *testing.T) {
	play(t, func(s *stage) {
		id := asks(s)
		s.say(id, incident.Reject, "ada", "sre")
		s.steps++
		time.Sleep(time.Minute)
		if inc := s.moves(id); inc.State != incident.Awaiting {
			t.Fatalf("%s: it is worse", inc.State)
		}
		s.steps--
		s.verdict = func(policies.Question) policies.Verdict { return policies.Act }
		for range 60 {
			time.Sleep(time.Minute)
			s.moves(id)
		}
		if inc := s.now(id); inc.State != incident.HandedOver || len(s.applied) != 0 {
			t.Errorf("%s with effects %v: a person has rejected it", inc.State, s.applied)
		}
	})
}

// TestWhatNobodyDecidedMayRunWhenPolicyLetsIt: silence is no refusal either.
func TestWhatNobodyDecidedMayRunWhenPolicyLetsIt(t *testing.T) {
	play(t, func(s *stage) {
		id := asks(s)
		for range 30 {
			time.Sleep(time.Minute)
			s.moves(id)
		}
		s.verdict = func(policies.Question) policies.Verdict { return policies.Act }
		time.Sleep(time.Minute)
		if inc := s.moves(id); inc.State != incident.Recovered {
			t.Errorf("%s", inc.State)
		}
	})
}

// TestARejectionOutweighsWhatCameAfterIt: another plan was asked about, and approved of or held back, when policy lets the rejected one run.
func TestARejectionOutweighsWhatCameAfterIt(t *testing.T) {
	for name, then := range map[string]func(s *stage, id incident.ID){
		"approved": func(s *stage, id incident.ID) { s.say(id, incident.Approve, "bob", "sre") },
		"held": func(s *stage, id incident.ID) {
			s.verdict = func(policies.Question) policies.Verdict { return policies.Deny }
			time.Sleep(time.Minute)
			s.moves(id)
		},
	} {
		for _, verdict := range []policies.Verdict{policies.Act, policies.Ask} {
			t.Run(name+", then "+verdict.String(), func(t *testing.T) {
				play(t, func(s *stage) {
					id := asks(s)
					s.say(id, incident.Reject, "ada", "sre")
					s.books = []string{"other"}
					time.Sleep(time.Minute)
					s.moves(id)
					then(s, id)
					s.books = []string{"book"}
					s.verdict = func(policies.Question) policies.Verdict { return verdict }
					for range 100 {
						time.Sleep(time.Minute)
						s.moves(id)
					}
					if inc := s.now(id); inc.State != incident.HandedOver || len(s.applied) != 0 || len(inc.History) > 12 {
						t.Errorf("%s with effects %v after %d records", inc.State, s.applied, len(inc.History))
					}
				})
			})
		}
	}
}

// TestAStepHeldAtItsWriteWaitsForNobodyForEver: the gate asks more by the time at which it would be begun again.
func TestAStepHeldAtItsWriteWaitsForNobodyForEver(t *testing.T) {
	play(t, func(s *stage) {
		id := asks(s)
		s.say(id, incident.Approve, "ada", "sre")
		s.apply = func(context.Context, string) error { return ErrHeld }
		s.moves(id)
		s.asks.Votes = 2
		for range 20 {
			time.Sleep(time.Minute)
			s.moves(id)
		}
		if inc := s.now(id); inc.State == incident.Acting || inc.Intent != nil {
			t.Errorf("%s, step open: %v", inc.State, inc.Intent != nil)
		}
	})
}

// TestAnUndoWhoseGateAsksMore is tried ever less often.
func TestAnUndoWhoseGateAsksMore(t *testing.T) {
	play(t, func(s *stage) {
		id := asks(s)
		s.say(id, incident.Approve, "ada", "sre")
		s.moves(id)
		s.finding = nil
		s.verdict = func(q policies.Question) policies.Verdict {
			s.asks.Votes = 1
			if q.About == policies.AboutGate {
				s.asks.Votes = 2
			}
			return policies.Ask
		}
		for range 600 {
			time.Sleep(time.Minute)
			s.moves(id)
		}
		if inc := s.now(id); len(inc.History) > 100 || slices.Contains(s.applied, "undo-0") {
			t.Errorf("%d records in ten hours, effects %v", len(inc.History), s.applied)
		}
	})
}
