package memory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
)

// Load folds the whole history of an incident, see [ledger.Ledger.Load]. The incident shares nothing with another that is loaded.
func (l *Ledger) Load(ctx context.Context, id incident.ID) (*incident.Incident, error) {
	err := away(ctx)
	if err == nil {
		var inc *incident.Incident
		if inc, err = l.load(id); err == nil {
			return inc, nil
		}
	}
	return nil, fmt.Errorf("load incident %s: %w", id, err)
}

func (l *Ledger) load(id incident.ID) (*incident.Incident, error) {
	history := l.store.history(id)
	if len(history) == 0 {
		return nil, ledger.ErrNotFound
	}
	return fold(history)
}

// history is what is stored of an incident. What is in it is never written to.
func (s *Store) history(id incident.ID) []stored {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.histories[id]
}

func fold(history []stored) (*incident.Incident, error) {
	var records []incident.Sequenced
	for _, msg := range history {
		records = append(records, msg.record())
	}
	return incident.Fold(records)
}

// Current returns nil while the incident's last record is the last of its history, see [ledger.Ledger.Current].
func (l *Ledger) Current(ctx context.Context, inc *incident.Incident) error {
	err := away(ctx)
	if history := l.store.history(inc.ID); err == nil && (len(history) == 0 || history[len(history)-1].seq != inc.Seq) {
		err = ledger.ErrLost
	}
	if err != nil {
		return fmt.Errorf("look at incident %s: %w", inc.ID, err)
	}
	return nil
}

// Incidents loads all incidents, the oldest first, those that have ended too. A history that cannot be folded is an error, as it
// is to Load.
func (s *Store) Incidents() ([]*incident.Incident, error) {
	s.mu.Lock()
	log := slices.Clone(s.log)
	s.mu.Unlock()
	var out []*incident.Incident
	for _, msg := range log {
		if msg.kind != incident.Opened {
			continue
		}
		inc, err := fold(s.history(msg.id))
		if err != nil {
			return nil, err
		}
		out = append(out, inc)
	}
	return out, nil
}

// Since are the incidents that live or ended at a time or later, the oldest first.
func (s *Store) Since(_ context.Context, t time.Time) ([]incident.Incident, error) {
	all, err := s.Incidents()
	var out []incident.Incident
	for _, inc := range all {
		if inc.State != incident.Ended || !inc.Since.Before(t) {
			out = append(out, *inc)
		}
	}
	return out, err
}
