package ledger

import (
	"context"
	"fmt"

	"github.com/salvor-io/salvor/internal/incident"
)

// AppendReleasing appends a record as Append does, in one atomic batch with the end of the incident's entries in the budget:
// what it worked on does not count against the limits any more. Its locks stay.
func (l *Ledger) AppendReleasing(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error) {
	seq, err := l.appendWith(ctx, inc, rec, func(_ context.Context, now Budget) (change, error) {
		if len(now.Of(inc.ID).Entries) == 0 {
			return change{}, nil
		}
		next := now.WithoutEntries(inc.ID)
		return change{budget: &next}, nil
	})
	if err != nil {
		return 0, fmt.Errorf("append %s to incident %s: %w", rec.Kind, inc.ID, err)
	}
	return seq, nil
}

// AppendYielding appends a record of an incident that is not worked on as Append does, in one atomic batch with the end of all that it holds,
// its locks too: a wider incident takes over. Since that is part of a record, whoever is about to begin on what it held is refused; who
// begins later claims anew.
func (l *Ledger) AppendYielding(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error) {
	if inc.Working() {
		return 0, fmt.Errorf("append %s to incident %s: what it holds is being worked on", rec.Kind, inc.ID)
	}
	seq, err := l.appendWith(ctx, inc, rec, func(_ context.Context, now Budget) (change, error) {
		if !now.Holds(inc.ID) {
			return change{}, nil
		}
		next := now.Without(inc.ID)
		return change{budget: &next}, nil
	})
	if err != nil {
		return 0, fmt.Errorf("append %s to incident %s: %w", rec.Kind, inc.ID, err)
	}
	return seq, nil
}

// Close appends the last record, Closed, in one atomic batch with all that ends with the incident: its key says so, its locks
// and its budget are released. The next finding of the same fault is a new incident.
func (l *Ledger) Close(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error) {
	if rec.Kind != incident.Closed {
		return 0, fmt.Errorf("close incident %s: the record is %s, not %s", inc.ID, rec.Kind, incident.Closed)
	}
	key, err := Document(keyRecord{signature: l.sign(), Key: inc.Key, Closed: inc.ID})
	if err != nil {
		return 0, fmt.Errorf("close incident %s: %w", inc.ID, err)
	}
	seq, err := l.appendWith(ctx, inc, rec, func(_ context.Context, now Budget) (change, error) {
		c := change{writes: []write{{subject: keySubject(inc.Key), expect: whatever, data: key}}}
		if now.Holds(inc.ID) {
			next := now.Without(inc.ID)
			c.budget = &next
		}
		return c, nil
	})
	if err != nil {
		return 0, fmt.Errorf("close incident %s: %w", inc.ID, err)
	}
	return seq, nil
}
