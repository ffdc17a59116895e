package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/policies"
)

// scope is what there is one pause of.
func scope(p policies.Pause) policies.Pause {
	return policies.Pause{Cluster: p.Cluster, Kind: p.Kind, Target: p.Target}
}

// SetPause throws a switch, replacing that of the same scope (Cluster, Kind, Target). It needs an owner, a reason and an expiry
// to come.
func (s *Store) SetPause(p policies.Pause) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ledger.CheckPause(p, s.now()); err != nil {
		return fmt.Errorf("set pause: %w", err)
	}
	s.pauses[scope(p)] = p
	return nil
}

// EndPause ends the pause of a scope; only the scope of p counts. It returns ErrNotFound when there is none.
func (s *Store) EndPause(p policies.Pause) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if held, ok := s.pauses[scope(p)]; !ok || !held.Until.After(s.now()) {
		return fmt.Errorf("end pause: nothing of that scope is paused: %w", ledger.ErrNotFound)
	}
	delete(s.pauses, scope(p))
	return nil
}

// Pauses reads the pauses that are in force now, the oldest first.
func (l *Ledger) Pauses(ctx context.Context) ([]policies.Pause, error) {
	if err := away(ctx); err != nil {
		return nil, fmt.Errorf("read pauses: %w", err)
	}
	s := l.store
	s.mu.Lock()
	defer s.mu.Unlock()
	return ledger.InForce(slices.Collect(maps.Values(s.pauses)), s.now()), nil
}
