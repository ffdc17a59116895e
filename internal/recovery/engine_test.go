package recovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// play runs f on a stage of its own, in time that passes only when everybody waits.
func play(t *testing.T, f func(*stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(newStage(t)) })
}

// whole is the life of an incident from its opening until its recovery is verified.
var whole = []incident.RecordKind{incident.Opened, incident.Decided, incident.Intent, incident.Done, incident.Intent, incident.Done, incident.Checked}

func TestOneTurnGoesAllTheWay(t *testing.T) {
	play(t, func(s *stage) {
		began := time.Now()
		inc := s.moves(s.opened())
		if diff := cmp.Diff(whole, kinds(inc)); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"recover-0", "recover-1"}, s.applied); diff != "" {
			t.Errorf("effects (-want +got):\n%s", diff)
		}
		if inc.State != incident.Recovered || time.Since(began) < 10*time.Second {
			t.Errorf("%s after %s, want %s after the settle window of 10s", inc.State, time.Since(began), incident.Recovered)
		}
		if about := []policies.About{s.asked[0].About, s.asked[1].About, s.asked[2].About}; !slices.Equal(about, []policies.About{policies.AboutDecision, policies.AboutGate, policies.AboutGate}) {
			t.Errorf("policy was asked about %v, want once about the plan and before each step", about)
		}
		if mine := s.holding(inc.ID); len(mine.Entries) != 0 || len(mine.Targets) != 1 {
			t.Errorf("verified, it holds %+v: want its lock and no share of the budget", mine)
		}
	})
}

func TestTakenBackWhenTheNodeReturns(t *testing.T) {
	play(t, func(s *stage) {
		id := s.opened()
		s.moves(id)
		s.finding, s.applied = nil, nil
		if inc := s.moves(id); inc.State != incident.Clearing || len(s.applied) != 0 {
			t.Fatalf("%s with effects %v before the healthy delay", inc.State, s.applied)
		}
		time.Sleep(time.Minute)
		s.takes(s.another(), "w9", "a")
		s.rival = func(rec incident.Record) {
			if mine := s.holding(id); rec.Kind == incident.Done && len(mine.Entries) > 0 {
				t.Errorf("taking back holds a share of the budget: %+v", mine)
			}
		}
		s.moves(id)
		time.Sleep(time.Minute)
		inc := s.moves(id)
		if inc.State != incident.Ended || !slices.Equal(s.applied, []string{"undo-0", "undo-1"}) {
			t.Errorf("%s (%s) with effects %v", inc.State, inc.Why, s.applied)
		}
		if held := s.holding(id); len(held.Targets)+len(held.Entries) > 0 {
			t.Errorf("the ended incident still holds %+v", held)
		}
	})
}

// TestNoEffectWithout: each of these keeps anything from being done to the world.
func TestNoEffectWithout(t *testing.T) {
	for name, c := range map[string]struct {
		set   func(*stage)
		state incident.State
		why   string
	}{
		"consent: denied":           {func(s *stage) { s.verdict = says(policies.Deny) }, incident.Held, "deny"},
		"consent: to be asked":      {func(s *stage) { s.verdict = says(policies.Ask) }, incident.Awaiting, "ask"},
		"a policy that answers":     {func(s *stage) { s.broken = errors.New("no rules") }, incident.Held, "policy could not be asked"},
		"a plan":                    {func(s *stage) { s.planErr = errors.New("no such node") }, incident.Held, "no plan could be made: runbook book: no such node"},
		"room in the budget":        {func(s *stage) { s.takes(s.another(), "w9", "a") }, incident.Held, "1 of at most 1 nodes of zone a"},
		"a pause to end":            {func(s *stage) { s.pause() }, incident.Held, "paused"},
		"the target being free":     {func(s *stage) { s.takes(s.another(), "w1", "") }, incident.Held, "another incident holds node/w1"},
		"the fault being there":     {func(s *stage) { s.finding = nil }, incident.Clearing, "not seen any more"},
		"the first gate's consent":  {func(s *stage) { s.verdict = gate(policies.Deny) }, incident.Acting, "act"},
		"the first gate's approval": {func(s *stage) { s.verdict = gate(policies.Ask) }, incident.Acting, "act"},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *stage) {
				c.set(s)
				id := s.opened()
				inc := s.moves(id)
				if len(s.applied) != 0 || inc.Intent != nil {
					t.Errorf("done: %v, intended: %+v", s.applied, inc.Intent)
				}
				if inc.State != c.state || !strings.Contains(inc.Why, c.why) {
					t.Errorf("%s because %q, want %s because %q", inc.State, inc.Why, c.state, c.why)
				}
				if _, waits := s.store.NextTimer(); !waits {
					t.Error("nothing will look at it again")
				}
				before := len(inc.History)
				time.Sleep(20 * time.Second)
				if inc = s.moves(id); len(inc.History) != before {
					t.Errorf("the same answer was recorded again: %v", kinds(inc))
				}
			})
		})
	}
}

func says(v policies.Verdict) func(policies.Question) policies.Verdict {
	return func(policies.Question) policies.Verdict { return v }
}

// gate lets a plan start and answers v before each step.
func gate(v policies.Verdict) func(policies.Question) policies.Verdict {
	return func(q policies.Question) policies.Verdict {
		if q.About == policies.AboutGate {
			return v
		}
		return policies.Act
	}
}

func pause() policies.Pause {
	return policies.Pause{Cluster: "prod", Owner: "ann", Reason: "migration", Until: time.Now().Add(time.Hour)}
}

// TestPlanThatWasOutdoneWaits: another incident takes the target while policy is asked.
func TestPlanThatWasOutdoneWaits(t *testing.T) {
	play(t, func(s *stage) {
		id := s.opened()
		s.verdict = func(q policies.Question) policies.Verdict {
			if q.About == policies.AboutGate {
				return policies.Act
			}
			s.takes(s.another(), "w1", "")
			return policies.Act
		}
		inc := s.moves(id)
		if _, waits := s.store.NextTimer(); inc.State != incident.Deciding || !waits || len(s.applied) != 0 {
			t.Errorf("%s with effects %v, it is looked at again: %v", inc.State, s.applied, waits)
		}
		s.verdict = says(policies.Act)
		s.anotherEnds()
		time.Sleep(16 * time.Second)
		if inc = s.moves(id); inc.State != incident.Recovered {
			t.Errorf("with the target free it is %s", inc.State)
		}
	})
}

// TestDenialGivesUpWhatWasClaimed: who decided to act died between the claim and the record.
func TestDenialGivesUpWhatWasClaimed(t *testing.T) {
	play(t, func(s *stage) {
		id := s.opened()
		s.takes(s.now(id), "w1", "a")
		s.verdict = says(policies.Deny)
		if inc := s.moves(id); inc.State != incident.Held || len(s.holding(id).Entries) != 0 {
			t.Errorf("%s, it holds %+v", inc.State, s.holding(id))
		}
		s.takes(s.now(id), "w1", "a")
		time.Sleep(16 * time.Second)
		if inc := s.moves(id); len(s.holding(id).Entries) != 0 || inc.History[len(inc.History)-1].Kind != incident.Noted {
			t.Errorf("denied again for the same reason, it holds %+v with the records %v", s.holding(id), kinds(inc))
		}
	})
}

// TestRulesSeeWhatIsInFlightNow: policy is not asked about a step by what was in flight long ago, nor told once it denies by an
// old budget.
func TestRulesSeeWhatIsInFlightNow(t *testing.T) {
	play(t, func(s *stage) {
		id := s.opened()
		s.verdict = func(q policies.Question) policies.Verdict {
			if q.InFlight.Cluster > 0 {
				return policies.Deny
			}
			return policies.Act
		}
		s.apply = func(context.Context, string) error {
			s.takes(s.another(), "w9", "z")
			time.Sleep(time.Second)
			return nil
		}
		inc := s.moves(id)
		if !slices.Equal(s.applied, []string{"recover-0"}) || inc.History[len(inc.History)-1].Kind != incident.Noted {
			t.Errorf("done %v with the records %v, want the second step to wait", s.applied, kinds(inc))
		}
		s.apply = nil
		time.Sleep(16 * time.Second)
		s.anotherEnds()
		if inc = s.moves(id); inc.State != incident.Recovered {
			t.Errorf("with nothing in flight it is %s", inc.State)
		}
	})
}

func TestWithoutAStoredDecisionNothingIsRecorded(t *testing.T) {
	play(t, func(s *stage) {
		s.storeErr = errors.New("the store is away")
		id := s.opened()
		if err := s.Move(t.Context(), id); !errors.Is(err, s.storeErr) {
			t.Errorf("it says %v", err)
		}
		if inc := s.now(id); len(inc.History) != 1 || len(s.applied) != 0 {
			t.Errorf("recorded %v, done %v", kinds(inc), s.applied)
		}
	})
}

// TestOtherPlansAreKept: a candidate policy is asked about them, too.
func TestOtherPlansAreKept(t *testing.T) {
	play(t, func(s *stage) {
		s.books = []string{"first", "second", "third"}
		s.verdict = func(q policies.Question) policies.Verdict {
			return map[string]policies.Verdict{"first": policies.Deny, "second": policies.Ask, "third": policies.Deny}[q.Plan.Runbook]
		}
		inc := s.moves(s.opened())
		last := inc.History[len(inc.History)-1]
		var asked []string
		for _, named := range last.Documents() {
			var doc Stored
			text, err := s.ReadDecision(t.Context(), named.Ref)
			if err = errors.Join(err, json.Unmarshal(text, &doc)); err != nil {
				t.Fatal(err)
			}
			asked = append(asked, doc.Question.Plan.Runbook+" "+doc.Decision.Verdict.String())
		}
		if want := []string{"second ask", "first deny", "third deny"}; !slices.Equal(asked, want) {
			t.Errorf("kept are %q, want %q", asked, want)
		}
	})
}

func TestViewThatLagsMovesNothing(t *testing.T) {
	play(t, func(s *stage) {
		s.lag = 6 * time.Second
		id := s.opened()
		if err := s.Move(t.Context(), id); !errors.Is(err, errBehind) {
			t.Errorf("it says %v", err)
		}
		if len(s.now(id).History) != 1 {
			t.Error("it was moved")
		}
	})
}

func TestLoserDoesNothing(t *testing.T) {
	play(t, func(s *stage) {
		id := s.opened()
		s.rival = func(rec incident.Record) {
			if rec.Kind == incident.Intent {
				s.rival = func(incident.Record) {}
				s.put(id, incident.Record{Kind: incident.Noted, Writer: "rival", Text: "was here"})
			}
		}
		if inc := s.moves(id); len(s.applied) != 0 || inc.Intent != nil {
			t.Errorf("done %v, intent %+v", s.applied, inc.Intent)
		}
	})
}

// TestGuardStopsAtTheWrite: what happens between the intent and the write to the world still keeps it from being made.
func TestGuardStopsAtTheWrite(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(*stage, incident.ID)
		state   incident.State
		after   func(*stage)
	}{
		"taken over": {func(s *stage, id incident.ID) {
			ref := s.now(id).Intent.StepRef
			ref.Deadline = time.Now().Add(time.Minute)
			s.put(id, incident.Record{Kind: incident.TookOver, Writer: "rival", Step: &ref})
		}, incident.Acting, nil},
		"paused": {func(s *stage, _ incident.ID) { s.pause() }, incident.Acting, func(s *stage) { s.unpause() }},
		"late":   {func(*stage, incident.ID) { time.Sleep(31 * time.Second) }, incident.HandedOver, nil},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *stage) {
				id := s.opened()
				s.apply = func(context.Context, string) error {
					s.apply = nil
					c.happens(s, id)
					return nil
				}
				inc := s.moves(id)
				if len(s.applied) != 0 || inc.State != c.state {
					t.Errorf("done %v in state %s, want nothing in %s", s.applied, inc.State, c.state)
				}
				if c.after == nil {
					return
				}
				if begun(inc) != 1 {
					t.Errorf("it was begun %d times in one turn", begun(inc))
				}
				c.after(s)
				time.Sleep(16 * time.Second)
				if inc = s.moves(id); inc.State != incident.Recovered || !slices.Equal(s.applied, []string{"recover-0", "recover-1"}) {
					t.Errorf("later it is %s with effects %v", inc.State, s.applied)
				}
			})
		})
	}
}

// TestStepHeldAtTheWriteIsNotGivenUp: each record makes the incident move again at once. A step that the guard held is not begun
// over and over then, neither by what was known before the pause nor when only the guard cannot look.
func TestStepHeldAtTheWriteIsNotGivenUp(t *testing.T) {
	for name, c := range map[string]struct {
		trouble error // for the guard alone
		want    []incident.RecordKind
	}{
		"by a pause":         {nil, []incident.RecordKind{incident.Opened, incident.Decided, incident.Intent, incident.Noted}},
		"by a store in need": {errors.New("no answer"), []incident.RecordKind{incident.Opened, incident.Decided, incident.Intent}},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *stage) {
				id := s.opened()
				s.apply = func(context.Context, string) error {
					if s.pauseErr = c.trouble; c.trouble == nil {
						s.pause()
					}
					return nil
				}
				for range takeovers + 2 {
					s.moves(id)
					s.pauseErr = nil
				}
				inc := s.now(id)
				if diff := cmp.Diff(c.want, kinds(inc)); diff != "" || len(s.applied) != 0 {
					t.Errorf("done %v, records (-want +got):\n%s", s.applied, diff)
				}
				if s.apply = nil; c.trouble == nil {
					s.unpause()
				}
				time.Sleep(16 * time.Second)
				if inc = s.moves(id); inc.State != incident.Recovered || !slices.Equal(s.applied, []string{"recover-0", "recover-1"}) {
					t.Errorf("later it is %s with effects %v", inc.State, s.applied)
				}
			})
		})
	}
}

func TestNotesDoNotStopAWrite(t *testing.T) {
	play(t, func(s *stage) {
		id := s.opened()
		s.steps = 1
		s.apply = func(context.Context, string) error {
			s.put(id, incident.Record{Kind: incident.Noted, Writer: "a person", Text: "I am looking"})
			return nil
		}
		s.moves(id)
		if !slices.Equal(s.applied, []string{"recover-0"}) {
			t.Errorf("done %v", s.applied)
		}
	})
}

// TestTakeOver: an open step of another writer is left alone until the deadline it stated, and then gone on with.
func TestTakeOver(t *testing.T) {
	for _, alone := range []bool{false, true} {
		t.Run(fmt.Sprint("alone ", alone), func(t *testing.T) {
			play(t, func(s *stage) {
				s.Alone = alone
				id := s.begun()
				inc := s.moves(id)
				if alone != (inc.State == incident.Recovered) || !alone && len(s.applied) > 0 {
					t.Fatalf("before the deadline it is %s with effects %v", inc.State, s.applied)
				}
				if next, waits := s.store.NextTimer(); !alone && (!waits || next.Before(inc.Intent.Deadline)) {
					t.Errorf("it looks again at %s, the deadline is %s", next, inc.Intent.Deadline)
				}
				time.Sleep(31 * time.Second)
				if inc = s.moves(id); inc.State != incident.Recovered || !slices.Equal(s.applied, []string{"recover-0", "recover-1"}) {
					t.Errorf("after the deadline it is %s with effects %v", inc.State, s.applied)
				}
			})
		})
	}
}

// TestOpenStepIsNotGoneOnWithWhenItsFaultIsGone: the node came back while a step was held at its write, or after its writer died.
func TestOpenStepIsNotGoneOnWithWhenItsFaultIsGone(t *testing.T) {
	play(t, func(s *stage) {
		s.Alone = true
		id := s.begun()
		s.finding = nil
		inc := s.moves(id)
		if inc.State != incident.Clearing || len(s.applied) != 0 || len(s.holding(id).Entries) != 0 {
			t.Errorf("%s with effects %v, holds %+v", inc.State, s.applied, s.holding(id))
		}
	})
}

// TestFaultThatIsGoneEndsTheStepOfAnother: whoever sees it gone does not wait for the deadline of the replica that has begun a step, nor for
// that of one that waits, as long as it sees.
func TestFaultThatIsGoneEndsTheStepOfAnother(t *testing.T) {
	for _, blind := range []bool{false, true} {
		play(t, func(s *stage) {
			id := s.begun()
			s.finding, s.blind = nil, blind
			if inc := s.moves(id); (inc.State == incident.Clearing) == blind || len(s.applied) != 0 {
				t.Errorf("blind %v: %s with effects %v", blind, inc.State, s.applied)
			}
		})
	}
}

// TestStepEndsWithItsFault: a step that waits for the world does not wait on when another replica has recorded that the fault is gone.
func TestStepEndsWithItsFault(t *testing.T) {
	play(t, func(s *stage) {
		id := s.opened()
		s.found = func() responders.Finding {
			if s.now(id).State == incident.Acting {
				s.finding = nil
				s.put(id, incident.Record{Kind: incident.Cleared, Writer: "rival", Text: "not seen any more"})
				inc := s.now(id)
				if !s.Interrupt(inc.History[len(inc.History)-1]) {
					t.Error("nothing is ended")
				}
			}
			return responders.Finding{Outcome: responders.OutcomeNotVerified}
		}
		began := time.Now()
		if inc := s.moves(id); inc.State != incident.Clearing || time.Since(began) > time.Second || !slices.Equal(s.applied, []string{"recover-0"}) {
			t.Errorf("%s after %s with effects %v", inc.State, time.Since(began), s.applied)
		}
	})
}

// TestBlindEngineBeginsAndResumesNothing: while the watches do not see, as at a start, nothing is done; it is noted when it lasts.
func TestBlindEngineBeginsAndResumesNothing(t *testing.T) {
	for name, begin := range map[string]func(*stage) incident.ID{
		"an open step": (*stage).begun,
		"the next step": func(s *stage) incident.ID {
			id := s.begun()
			ref := s.now(id).Intent.StepRef
			s.put(id, incident.Record{Kind: incident.Done, Writer: "rival", Step: &ref})
			return id
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *stage) {
				s.Alone, s.blind = true, true
				id := begin(s)
				before := len(s.now(id).History)
				s.moves(id)
				inc := s.moves(id)
				if _, waits := s.store.NextTimer(); len(s.applied) != 0 || len(inc.History) != before || !waits {
					t.Errorf("done %v, records %v, it is looked at again: %v", s.applied, kinds(inc), waits)
				}
				time.Sleep(16 * time.Second)
				if inc := s.moves(id); len(s.applied) != 0 || len(inc.History) != before+1 {
					t.Errorf("later: done %v, records %v, want one note", s.applied, kinds(inc))
				}
				s.blind = false
				if inc := s.moves(id); inc.State != incident.Recovered {
					t.Errorf("with sight it is %s", inc.State)
				}
			})
		})
	}
}

// TestHeldStepSaysEachObstacleOnce: the timeline answers why a plan waits, also when the reason changes.
func TestHeldStepSaysEachObstacleOnce(t *testing.T) {
	play(t, func(s *stage) {
		id := s.opened()
		s.verdict = gate(policies.Deny)
		s.moves(id)
		time.Sleep(16 * time.Second)
		s.moves(id)
		s.pause()
		time.Sleep(16 * time.Second)
		inc := s.moves(id)
		want := []incident.RecordKind{incident.Opened, incident.Decided, incident.Noted, incident.Noted}
		if diff := cmp.Diff(want, kinds(inc)); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
		if last := inc.History[len(inc.History)-1].Text; !strings.Contains(last, "migration") {
			t.Errorf("it says %q, want the reason of the pause", last)
		}
	})
}

// begun is an incident whose first step another writer has begun and never ended.
func (s *stage) begun() incident.ID {
	id := s.opened()
	plan, err := s.Plan(s.t.Context(), "book", incident.PhaseRecover, nil, responders.Env{Cluster: "prod"})
	if err != nil {
		s.t.Fatal(err)
	}
	s.put(id, incident.Record{Kind: incident.Decided, Writer: "rival", Decided: &incident.Decision{Phase: incident.PhaseRecover, Plan: &plan, Answer: policies.Decision{Verdict: policies.Act}}})
	s.put(id, incident.Record{Kind: incident.Intent, Writer: "rival", Step: &incident.StepRef{Phase: incident.PhaseRecover, Plan: plan.Digest,
		Name: "recover-0", Deadline: time.Now().Add(30 * time.Second)}})
	return id
}

func TestStepThatNeverEndsIsGivenUp(t *testing.T) {
	play(t, func(s *stage) {
		s.Alone = true
		id := s.begun()
		const died = "the process dies"
		s.apply = func(context.Context, string) error { panic(died) }
		for range takeovers {
			func() {
				defer func() {
					if cause := recover(); cause != any(died) {
						t.Fatalf("it did not come to the effect: %v", cause)
					}
				}()
				s.moves(id)
			}()
		}
		inc := s.moves(id)
		if inc.State != incident.HandedOver || !strings.Contains(inc.Why, "never ended") || len(s.applied) != 0 {
			t.Errorf("%s because %q, effects %v", inc.State, inc.Why, s.applied)
		}
		if len(s.holding(id).Entries) != 0 {
			t.Error("handed over, it still counts against the budget")
		}
	})
}

func TestFailedStepFreesTheBudgetAndIsTriedAgain(t *testing.T) {
	play(t, func(s *stage) {
		id := s.opened()
		s.apply = func(context.Context, string) error { return errors.New("the switch refuses") }
		inc := s.moves(id)
		if inc.State != incident.HandedOver || !strings.Contains(inc.Why, "the switch refuses") || len(s.holding(id).Entries) != 0 {
			t.Fatalf("%s because %q, holds %+v", inc.State, inc.Why, s.holding(id))
		}
		time.Sleep(16 * time.Second)
		s.apply = nil
		if inc = s.moves(id); inc.State != incident.Recovered || inc.Attempts != 2 {
			t.Errorf("%s after %d attempts", inc.State, inc.Attempts)
		}
	})
}

func TestFaultThatClearsInMidPlanEndsIt(t *testing.T) {
	play(t, func(s *stage) {
		id := s.opened()
		s.apply = func(context.Context, string) error { s.finding = nil; return nil }
		inc := s.moves(id)
		if inc.State != incident.Clearing || !slices.Equal(s.applied, []string{"recover-0"}) || len(s.holding(id).Entries) != 0 {
			t.Errorf("%s with effects %v, holds %+v", inc.State, s.applied, s.holding(id))
		}
	})
}

// TestSettle: what holds for a moment only is not verified, and what never holds says what is missing.
func TestSettle(t *testing.T) {
	missing := responders.Finding{Outcome: responders.OutcomePartly, Detail: []string{"web has 1 of 2"}}
	for name, c := range map[string]struct {
		found func(since time.Duration) responders.Finding
		want  responders.Outcome
	}{
		"flickers": {func(since time.Duration) responders.Finding {
			if int(since.Seconds())%8 < 6 {
				return responders.Finding{Outcome: responders.OutcomeVerified}
			}
			return missing
		}, ""},
		"never": {func(time.Duration) responders.Finding { return missing }, responders.OutcomePartly},
		"at last": {func(since time.Duration) responders.Finding {
			if since < 40*time.Second {
				return missing
			}
			return responders.Finding{Outcome: responders.OutcomeVerified}
		}, responders.OutcomeVerified},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *stage) {
				id := s.opened()
				s.found = func() responders.Finding {
					if len(s.applied) < 2 || s.now(id).State != incident.Verifying {
						return responders.Finding{Outcome: responders.OutcomeVerified} // the steps themselves
					}
					return c.found(time.Since(s.now(id).Since))
				}
				inc := s.moves(id)
				switch {
				case c.want == responders.OutcomeVerified && inc.State != incident.Recovered,
					c.want != responders.OutcomeVerified && (inc.State != incident.HandedOver || inc.Outcome == responders.OutcomeVerified),
					c.want != "" && inc.Outcome != c.want:
					t.Errorf("%s with outcome %s", inc.State, inc.Outcome)
				}
			})
		})
	}
}

// TestAPlanThatChangesAllTheTimeIsToldEverLessOften: of what runs in a zone that answers no two plans are the same. While one is held back, each
// change is not worth a record for ever, but the first is, and so is what people would have to know before they let it run without policy.
func TestAPlanThatChangesAllTheTimeIsToldEverLessOften(t *testing.T) {
	for name, c := range map[string]struct {
		missing     bool
		least, most int
	}{"policy denies": {false, 10, 25}, "there is no policy": {true, 100, 200}} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *stage) {
				s.verdict = func(policies.Question) policies.Verdict { return policies.Deny }
				if c.missing {
					s.broken = policies.ErrNone
				}
				n := 0
				s.plans = func(p *responders.Plan) {
					n++
					p.Steps[0].Change.Targets = []policies.Target{{Kind: "Pod", Namespace: "shop", Name: fmt.Sprint("web-", n)}}
				}
				id := s.opened()
				s.moves(id)
				time.Sleep(16 * time.Second)
				if told := count(s.moves(id), incident.Decided); told != 2 {
					t.Errorf("the first change is told in %d records", told)
				}
				for began := time.Now(); time.Since(began) < 30*time.Minute; time.Sleep(16 * time.Second) {
					s.moves(id)
				}
				if told := count(s.now(id), incident.Decided); told < c.least || told > c.most {
					t.Errorf("%d decisions in half an hour", told)
				}
			})
		})
	}
}
