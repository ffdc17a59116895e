package recovery

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
)

func TestOpenerReadsAhead(t *testing.T) {
	open := func(s *stage) *incident.Incident {
		key := incident.KeyOf(fault)
		inc, err := Opener{s.book, s.Ready}.OpenIncident(s.t.Context(), incident.Record{Kind: incident.Opened, At: time.Now(), Key: &key, Fault: &fault}, 0)
		if err != nil {
			t.Fatal(err)
		}
		return inc
	}
	play(t, func(s *stage) {
		inc := open(s)
		s.pauseErr = errors.New("not to be read now")
		_ = s.Move(s.t.Context(), inc.ID) // what comes after the decision reads the pauses again
		if got := kinds(s.now(inc.ID)); !slices.Contains(got, incident.Decided) {
			t.Errorf("records %v: what was read while it was opened was not decided by", got)
		}
	})
	play(t, func(s *stage) {
		s.pauseErr = errors.New("not to be read now")
		inc := open(s)
		s.pauseErr = nil
		if got := s.moves(inc.ID); got.State != incident.Recovered {
			t.Errorf("%s after what could not be read ahead", got.State)
		}
	})
}
