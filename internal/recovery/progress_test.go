package recovery

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/responders"
)

// TestProgressIsToldNowAndThen: whoever listens hears how far a step is at most twice a second, and at once that it is through.
func TestProgressIsToldNowAndThen(t *testing.T) {
	play(t, func(s *stage) {
		var heard []string
		s.Progress = func(_ incident.ID, step int, text string) { heard = append(heard, string(rune('0'+step))+": "+text) }
		s.apply = func(ctx context.Context, step string) error {
			if step == "recover-1" {
				for n := range 8 {
					responders.Progress(ctx, n+1, 8, "pods")
					responders.Progress(ctx, n+1, 8, "pods")
					time.Sleep(200 * time.Millisecond)
				}
			}
			return nil
		}
		s.moves(s.opened())
		if diff := cmp.Diff([]string{"1: 1 of 8 pods", "1: 4 of 8 pods", "1: 7 of 8 pods", "1: 8 of 8 pods"}, heard); diff != "" {
			t.Error(diff)
		}
	})
}

// TestNobodyHasToListen: a responder that tells its progress works where nobody wants to know.
func TestNobodyHasToListen(t *testing.T) {
	play(t, func(s *stage) {
		s.apply = func(ctx context.Context, _ string) error {
			responders.Progress(ctx, 1, 1, "pods")
			return nil
		}
		if inc := s.moves(s.opened()); inc.State != incident.Recovered {
			t.Errorf("the incident is %s", inc.State)
		}
	})
}
