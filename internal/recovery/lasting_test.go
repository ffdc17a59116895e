package recovery

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/responders"
)

// TestWhatIsBroughtBackIsVerifiedAndStays has people agree to a plan whose first step makes the fault go away: one that brings something back goes
// on, is verified, and is not taken back; any other ends.
func TestWhatIsBroughtBackIsVerifiedAndStays(t *testing.T) {
	for name, c := range map[string]struct {
		point   *responders.RecoveryPoint
		applied []string
		outcome responders.Outcome
	}{
		"it brings back": {&responders.RecoveryPoint{Name: "daily"}, []string{"recover-0", "recover-1"}, responders.OutcomeVerified},
		"it does not":    {nil, []string{"recover-0"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *stage) {
				s.plans = func(p *responders.Plan) {
					p.Lasts = true
					p.Steps[0].Change.Point = c.point
				}
				s.apply = func(context.Context, string) error { s.finding = nil; return nil }
				id := asks(s)
				s.say(id, incident.Approve, "ada", "sre")
				s.moves(id)
				time.Sleep(2 * time.Minute)
				inc := s.moves(id)
				if !slices.Equal(s.applied, c.applied) || inc.Outcome != c.outcome || inc.State != incident.Ended {
					t.Errorf("%s, %q, with effects %v", inc.State, inc.Outcome, s.applied)
				}
			})
		})
	}
}
