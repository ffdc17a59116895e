package memory

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
)

// storedOnce is how long the same document for the same incident is stored once.
const storedOnce = 2 * time.Minute

// Decision is what policy was asked about an incident and what it said.
type Decision struct {
	Ref      string // as the record of it names it
	Incident incident.ID
	At       time.Time // when it was stored
	Document json.RawMessage
}

// Decide stores what policy was asked and what it said, and takes what the claim of a plan that may run names, see
// [ledger.Ledger.Decide]. The document is there also when the claim is not to be had.
func (l *Ledger) Decide(ctx context.Context, inc *incident.Incident, doc any, claim *ledger.Claim) (ref string, err error) {
	data, err := ledger.DecisionDocument(doc)
	if err = errors.Join(err, away(ctx)); err != nil {
		return "", fmt.Errorf("decide upon incident %s: %w", inc.ID, err)
	}
	ref = l.store.keep(inc.ID, data)
	if claim != nil {
		err = l.claim(ctx, inc, *claim)
	}
	if err != nil {
		return "", fmt.Errorf("decide upon incident %s: %w", inc.ID, err)
	}
	return ref, nil
}

// keep stores a document, unless it was just stored, and returns where it lies.
func (s *Store) keep(id incident.ID, data []byte) (ref string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for _, d := range slices.Backward(s.decisions) {
		if now.Sub(d.At) >= storedOnce {
			break
		}
		if d.Incident == id && bytes.Equal(d.Document, data) {
			return d.Ref
		}
	}
	ref = string(id) + "/" + strconv.Itoa(len(s.decisions)+1)
	s.decisions = append(s.decisions, Decision{ref, id, now, data})
	return ref
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
func (s *Store) Decisions() []Decision {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Clone(s.decisions)
	for i := range out {
		out[i].Document = slices.Clone(out[i].Document)
	}
	return out
}
