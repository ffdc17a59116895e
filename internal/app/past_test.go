package app

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
)

var midnight = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)

func lived(id incident.ID, opened, ended time.Duration) incident.Incident {
	inc := incident.Incident{ID: id, State: incident.Ended, OpenedAt: midnight.Add(opened), Since: midnight.Add(ended)}
	if ended > 0 {
		inc.State = incident.Held
	}
	return inc
}

// shelf stands in for the index, which knows two days, and the ledger, which knows all.
type shelf struct {
	known, all []incident.Incident
	broken     error
	asked      int
}

func (s *shelf) Incidents() []incident.Incident { return append([]incident.Incident(nil), s.known...) }
func (s *shelf) Time() time.Time                { return midnight }

func (s *shelf) Named(_ context.Context, text string) ([]incident.ID, error) {
	s.asked++
	var ids []incident.ID
	for _, inc := range s.all {
		if name := inc.ID.Name(); len(text) <= len(name) && name[:len(text)] == text {
			ids = append(ids, inc.ID)
		}
	}
	return append(ids, "purged", "unreadable"), nil
}

func (s *shelf) Load(_ context.Context, id incident.ID) (*incident.Incident, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	for _, inc := range s.all {
		if inc.ID == id {
			return &inc, nil
		}
	}
	if id == "purged" {
		return nil, fmt.Errorf("load: %w", ledger.ErrNotFound)
	}
	return nil, errors.New("hands off")
}

func TestPast(t *testing.T) {
	const day = 24 * time.Hour
	s := &shelf{all: []incident.Incident{lived("old", -9*day, -8*day), lived("older", -30*day, -20*day), lived("late", -2*day, -day), lived("live", -10*day, day)}}
	s.known = s.all[2:]
	p := past{s, s, 2 * day}
	for _, c := range []struct {
		back  time.Duration
		want  []incident.ID
		asked int
	}{{time.Hour, []incident.ID{"live"}, 0}, {47 * time.Hour, []incident.ID{"live", "late"}, 0}, {9 * day, []incident.ID{"live", "old", "late"}, 1},
		{100 * day, []incident.ID{"older", "live", "old", "late"}, 1}} {
		s.asked = 0
		all, err := p.Since(t.Context(), midnight.Add(-c.back))
		var got []incident.ID
		for _, inc := range all {
			got = append(got, inc.ID)
		}
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" || s.asked != c.asked {
			t.Errorf("%s back: %v, asked %d times\n%s", c.back, err, s.asked, diff)
		}
	}
	s.broken = events.ErrUnavailable
	if _, err := p.Since(t.Context(), midnight.Add(-9*day)); !errors.Is(err, events.ErrUnavailable) {
		t.Errorf("without a store: %v", err)
	}
	if _, err := p.Since(t.Context(), midnight.Add(-time.Hour)); err != nil {
		t.Errorf("what the index knows needs a store: %v", err)
	}
}
