package memory

import (
	"context"
	"errors"
	"fmt"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
)

// Budget reads the budget as it is now. What it holds is not to be changed.
func (l *Ledger) Budget(ctx context.Context) (ledger.Budget, error) {
	if err := away(ctx); err != nil {
		return ledger.Budget{}, err
	}
	now, _ := l.read()
	return now, nil
}

// KnownBudget is the budget as this replica last read or wrote it, empty before that.
func (l *Ledger) KnownBudget() ledger.Budget {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	return l.known
}

func (l *Ledger) read() (now ledger.Budget, seq uint64) {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	l.known = l.store.budget
	return l.known, l.store.budgetSeq
}

// AppendIntent takes what the claim names and then appends an Intent, with what policy was asked, see [ledger.Ledger.AppendIntent].
func (l *Ledger) AppendIntent(ctx context.Context, inc *incident.Incident, rec incident.Record, claim ledger.Claim, doc any) (uint64, error) {
	asked, err := incident.Asked{}, admits(inc, rec)
	if err == nil {
		asked, err = l.keep(ctx, inc.ID, doc)
	}
	if err == nil {
		err = l.claim(ctx, inc, claim)
	}
	if err != nil {
		return 0, fmt.Errorf("append %s to incident %s: %w", rec.Kind, inc.ID, err)
	}
	rec.Gate = &asked
	return l.AppendClaimed(ctx, inc, rec)
}

// AppendClaimed appends a record that has its claim, see [ledger.Ledger.AppendClaimed].
func (l *Ledger) AppendClaimed(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error) {
	seq, err := l.Append(ctx, inc, rec)
	if errors.Is(err, ledger.ErrLost) {
		return 0, errors.Join(err, l.release(ctx, inc.ID))
	}
	return seq, err
}

// claim takes what the incident does not hold yet.
func (l *Ledger) claim(ctx context.Context, inc *incident.Incident, claim ledger.Claim) error {
	return l.change(ctx, func(now ledger.Budget) (*ledger.Budget, error) { return now.Claimed(inc, claim, l.store.ended) })
}

// change stores what due makes of the budget, nil being no change. It asks again when the budget has changed meanwhile: due is called
// without the lock, so that it may ask the store.
func (l *Ledger) change(ctx context.Context, due func(ledger.Budget) (*ledger.Budget, error)) error {
	for {
		if err := away(ctx); err != nil {
			return err
		}
		now, seq := l.read()
		next, err := due(now)
		if err != nil || next == nil {
			return err
		}
		if _, err := ledger.Document(next); err != nil {
			return err
		}
		if l.replace(seq, *next) {
			return nil
		}
	}
}

// replace stores the budget that was made of the one with a sequence, if that is still the last.
func (l *Ledger) replace(seq uint64, next ledger.Budget) bool {
	s := l.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.budgetSeq != seq {
		return false
	}
	s.setBudget(next)
	l.known = next
	return true
}

// ended says whether there is an incident of that id and it has ended.
func (s *Store) ended(id incident.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end(id).kind == incident.Closed
}

// release gives up what a claim without its record may have left to an incident that is not worked on, as the durable ledger does:
// everything when it has ended, and its share of the budget, with a record that says so, while it lives.
func (l *Ledger) release(ctx context.Context, id incident.ID) error {
	inc, err := l.load(id)
	if err != nil || inc.Working() {
		return err
	}
	if !inc.Live() {
		return l.change(ctx, func(now ledger.Budget) (*ledger.Budget, error) {
			if !now.Holds(id) {
				return nil, nil
			}
			next := now.Without(id)
			return &next, nil
		})
	}
	now, err := l.Budget(ctx)
	if err != nil || len(now.Of(id).Entries) == 0 {
		return err
	}
	_, err = l.AppendReleasing(ctx, inc, incident.Record{Kind: incident.Noted, At: l.store.now().UTC(), Text: ledger.GivenUp})
	if errors.Is(err, ledger.ErrLost) {
		return nil // whoever moved it sees what it holds
	}
	return err
}
