package memory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
)

// Decide stores what policy was asked and what it said, and takes what the claim of a plan that may run names, see
// [ledger.Ledger.Decide]. The document is there also when the claim is not to be had.
func (l *Ledger) Decide(ctx context.Context, inc *incident.Incident, doc any, claim *ledger.Claim) (incident.Asked, error) {
	asked, err := l.keep(ctx, inc.ID, doc)
	if err == nil && claim != nil {
		err = l.claim(ctx, inc, *claim)
	}
	if err != nil {
		return incident.Asked{}, fmt.Errorf("decide upon incident %s: %w", inc.ID, err)
	}
	return asked, nil
}

// Keep stores what policy was asked beside what is decided upon, see [ledger.Ledger.Keep].
func (l *Ledger) Keep(ctx context.Context, inc *incident.Incident, docs ...any) ([]incident.Asked, error) {
	named := make([]incident.Asked, len(docs))
	for i, doc := range docs {
		var err error
		if named[i], err = l.keep(ctx, inc.ID, doc); err != nil {
			return nil, fmt.Errorf("keep decisions of incident %s: %w", inc.ID, err)
		}
	}
	return named, nil
}

// AppendAsked stores what policy was asked and what it said, and appends a record that names it, see [ledger.Ledger.AppendAsked].
func (l *Ledger) AppendAsked(ctx context.Context, inc *incident.Incident, rec incident.Record, doc any) (uint64, error) {
	asked, err := l.keep(ctx, inc.ID, doc)
	if err != nil {
		return 0, fmt.Errorf("append %s to incident %s: %w", rec.Kind, inc.ID, err)
	}
	rec.Gate = &asked
	return l.Append(ctx, inc, rec)
}

// keep stores a document, unless it is there.
func (l *Ledger) keep(ctx context.Context, id incident.ID, doc any) (incident.Asked, error) {
	d, err := ledger.DecisionOf(id, doc)
	if err = errors.Join(err, away(ctx)); err != nil {
		return incident.Asked{}, err
	}
	s := l.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.named[d.Ref] {
		s.named[d.Ref] = true
		d.Seq, d.StoredAt = uint64(len(s.decisions)+1), s.now()
		s.decisions = append(s.decisions, d)
	}
	return d.Asked, nil
}

// ReadDecision reads the document that Decide stored. It returns ErrNotFound when there is none.
func (l *Ledger) ReadDecision(ctx context.Context, ref string) (json.RawMessage, error) {
	if err := away(ctx); err != nil {
		return nil, fmt.Errorf("read decision %s: %w", ref, err)
	}
	for _, d := range l.store.Decisions() {
		if d.Ref == ref {
			return d.Document, nil
		}
	}
	return nil, fmt.Errorf("read decision %s: %w", ref, ledger.ErrNotFound)
}

// Decisions are all that were stored, the oldest first.
func (s *Store) Decisions() []incident.StoredDecision {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Clone(s.decisions)
	for i := range out {
		out[i].Document = slices.Clone(out[i].Document)
	}
	return out
}
