package recovery

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
)

// TestWhatTheGateWasAskedIsKept: each record that an answer of the gate led to names the question and the answer, which are stored.
func TestWhatTheGateWasAskedIsKept(t *testing.T) {
	for name, c := range map[string]struct {
		begin   func(*stage) incident.ID
		kind    incident.RecordKind
		verdict policies.Verdict
		records int
	}{
		"let pass":   {(*stage).opened, incident.Intent, policies.Act, 2},
		"held back":  {func(s *stage) incident.ID { s.verdict = gate(policies.Deny); return s.opened() }, incident.Noted, policies.Deny, 1},
		"taken over": {func(s *stage) incident.ID { s.Alone = true; return s.begun() }, incident.TookOver, policies.Act, 1},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *stage) {
				seen := 0
				for _, rec := range s.moves(c.begin(s)).History {
					if rec.Kind != c.kind {
						continue
					}
					seen++
					if rec.Gate == nil {
						s.t.Fatalf("%s names nothing", rec.Kind)
					}
					doc, err := s.ReadDecision(s.t.Context(), rec.Gate.Ref)
					var kept Stored
					if err != nil || json.Unmarshal(doc, &kept) != nil || incident.SumOf(doc) != rec.Gate.Sum {
						s.t.Fatalf("%s names %+v, there is %s: %v", rec.Kind, rec.Gate, doc, err)
					}
					if kept.Question.About != policies.AboutGate || kept.Decision.Verdict != c.verdict {
						s.t.Errorf("%s names a question about %s, answered by %s", rec.Kind, kept.Question.About, kept.Decision.Verdict)
					}
				}
				if seen != c.records {
					s.t.Errorf("there are %d records of kind %s, want %d", seen, c.kind, c.records)
				}
			})
		})
	}
}

// TestIntentWithoutItsQuestion: the intent was written, and what the gate was asked could not be stored. Nothing is done under it until
// it is taken over with a question of its own.
func TestIntentWithoutItsQuestion(t *testing.T) {
	play(t, func(s *stage) {
		id := s.opened()
		s.gateErr = events.ErrUnavailable
		if err := s.Move(s.t.Context(), id); !errors.Is(err, events.ErrUnavailable) || len(s.applied) != 0 {
			s.t.Fatalf("it says %v, done is %v", err, s.applied)
		}
		s.gateErr = nil
		inc := s.moves(id)
		if diff := cmp.Diff([]string{"recover-0", "recover-1"}, s.applied); diff != "" || inc.History[3].Kind != incident.TookOver || inc.History[3].Gate == nil {
			s.t.Errorf("records %v, effects (-want +got):\n%s", kinds(inc), diff)
		}
	})
}
