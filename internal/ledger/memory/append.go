package memory

import (
	"context"
	"errors"
	"fmt"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
)

// OpenIncident opens an incident with its first record, see [ledger.Ledger.OpenIncident].
func (l *Ledger) OpenIncident(ctx context.Context, first incident.Record, after uint64) (*incident.Incident, error) {
	if err := (&incident.Incident{}).Admits(first); err != nil {
		return nil, fmt.Errorf("open incident: %w", err)
	}
	inc, err := l.open(ctx, first, after)
	if err != nil {
		return nil, fmt.Errorf("open incident of %s %s: %w", first.Key.Kind, first.Key.Anchor, err)
	}
	l.store.tell()
	return inc, nil
}

// open writes the first record where the caller says that the last incident ended. Only where that is not so it is asked whether
// one is open.
func (l *Ledger) open(ctx context.Context, first incident.Record, after uint64) (*incident.Incident, error) {
	if err := away(ctx); err != nil {
		return nil, err
	}
	s := l.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := s.last[*first.Key]; last.seq != after {
		if last.seq > 0 && last.kind != incident.Closed {
			return nil, fmt.Errorf("%w: %s", ledger.ErrAlreadyOpen, last.id)
		}
		after = last.seq
	}
	rec := l.fill(first, incident.IDOf(*first.Key, after), "")
	data, err := ledger.Document(rec)
	if err != nil {
		return nil, err
	}
	return incident.Fold([]incident.Sequenced{s.add(*first.Key, rec, data)})
}

// Append adds a record to a history and to the incident, see [ledger.Ledger.Append].
func (l *Ledger) Append(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error) {
	seq, err := l.append(ctx, inc, rec, nil)
	if err != nil {
		return 0, fmt.Errorf("append %s to incident %s: %w", rec.Kind, inc.ID, err)
	}
	return seq, nil
}

// AppendReleasing appends a record and ends the incident's entries in the budget, see [ledger.Ledger.AppendReleasing].
func (l *Ledger) AppendReleasing(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error) {
	seq, err := l.append(ctx, inc, rec, func(now ledger.Budget) batch {
		if len(now.Of(inc.ID).Entries) == 0 {
			return batch{}
		}
		next := now.WithoutEntries(inc.ID)
		return batch{budget: &next}
	})
	if err != nil {
		return 0, fmt.Errorf("append %s to incident %s: %w", rec.Kind, inc.ID, err)
	}
	return seq, nil
}

// AppendYielding appends a record and ends all that the incident holds, see [ledger.Ledger.AppendYielding].
func (l *Ledger) AppendYielding(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error) {
	if inc.Working() {
		return 0, fmt.Errorf("append %s to incident %s: what it holds is being worked on", rec.Kind, inc.ID)
	}
	seq, err := l.append(ctx, inc, rec, func(now ledger.Budget) batch {
		if !now.Holds(inc.ID) {
			return batch{}
		}
		next := now.Without(inc.ID)
		return batch{budget: &next}
	})
	if err != nil {
		return 0, fmt.Errorf("append %s to incident %s: %w", rec.Kind, inc.ID, err)
	}
	return seq, nil
}

// Close appends the last record and releases all that the incident holds, see [ledger.Ledger.Close].
func (l *Ledger) Close(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error) {
	if rec.Kind != incident.Closed {
		return 0, fmt.Errorf("close incident %s: the record is %s, not %s", inc.ID, rec.Kind, incident.Closed)
	}
	seq, err := l.append(ctx, inc, rec, func(now ledger.Budget) batch {
		if !now.Holds(inc.ID) {
			return batch{key: true}
		}
		next := now.Without(inc.ID)
		return batch{key: true, budget: &next}
	})
	if err != nil {
		return 0, fmt.Errorf("close incident %s: %w", inc.ID, err)
	}
	return seq, nil
}

// batch is what is written before a record, with it or not at all.
type batch struct {
	key    bool           // that the incident has ended: its last record says so too, so the key takes a sequence and no more
	budget *ledger.Budget // as it will be, nil when it stays
}

// append adds a record with the batch that is due, given the budget of now; nil is none.
func (l *Ledger) append(ctx context.Context, inc *incident.Incident, rec incident.Record, due func(ledger.Budget) batch) (uint64, error) {
	if err := away(ctx); err != nil {
		return 0, err
	}
	added, err := l.commit(inc, rec, due)
	if err != nil {
		return 0, err
	}
	err = inc.Apply(added)
	l.store.tell()
	return added.Seq, err
}

func (l *Ledger) commit(inc *incident.Incident, rec incident.Record, due func(ledger.Budget) batch) (added incident.Sequenced, err error) {
	s := l.store
	s.mu.Lock()
	defer s.mu.Unlock()
	var with batch
	if due != nil {
		l.known = s.budget
		with = due(s.budget)
	}
	rec = l.fill(rec, inc.ID, inc.Head)
	if err := admits(inc, rec); err != nil {
		return added, err
	}
	data, err := ledger.Document(rec)
	if err != nil {
		return added, err
	}
	if s.end(inc.ID).seq != inc.Seq {
		return added, ledger.ErrLost
	}
	if with.key {
		s.seq++
	}
	if with.budget != nil {
		s.setBudget(*with.budget)
		l.known = s.budget
	}
	return s.add(inc.Key, rec, data), nil
}

func admits(inc *incident.Incident, rec incident.Record) error {
	if inc.ID == "" {
		return errors.New("the incident was not opened: use OpenIncident")
	}
	return inc.Admits(rec)
}
