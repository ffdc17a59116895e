// Package memory keeps the histories of incidents in memory: the honest double of package ledger, for replays and simulations in
// virtual time, and for tests. It keeps every promise of [ledger.Ledger] that does not outlive the process, and leaves out what
// only space and people need: archive, compaction, deliveries ([Store.Follow] gives every record instead) and names.
//
// Terms:
//
//   - A [Store] is what all replicas share: records, keys and the budget with one sequence, numbered as the stream numbers them, so
//     that ids and sequences are those that the durable ledger would give; decisions, timers and pauses beside it.
//   - A [Ledger] is the store as one life of one replica sees it: it says who writes, and what that one knows of the budget.
//
// Nothing is done in the background and nothing is left to chance: the same calls at the same times give the same bytes.
package memory

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/policies"
)

// Options say by which clock a store goes.
type Options struct {
	Now func() time.Time // when what is written now is stored; it is called under the store's lock and must not call back
}

// Store is what all replicas share. Its methods are safe for concurrent use.
type Store struct {
	now func() time.Time

	mu        sync.Mutex
	seq       uint64 // of what was written last: a record, a key or the budget
	log       []stored
	histories map[incident.ID][]stored
	last      map[incident.Key]stored // the last record about each fault
	budget    ledger.Budget           // a value: what it points to is never changed
	budgetSeq uint64
	decisions []incident.StoredDecision
	named     map[string]bool // the references of decisions
	timers    map[string]wait
	pauses    map[policies.Pause]policies.Pause // by scope, a pause of which nothing else is filled in
	followers []*follower
}

// stored is a record as the store keeps it: nothing that a caller holds is part of it.
type stored struct {
	id   incident.ID
	kind incident.RecordKind
	seq  uint64
	at   time.Time
	data []byte
}

// New makes an empty store.
func New(opt Options) *Store {
	return &Store{now: opt.Now, histories: map[incident.ID][]stored{}, last: map[incident.Key]stored{},
		named: map[string]bool{}, timers: map[string]wait{}, pauses: map[policies.Pause]policies.Pause{}}
}

// Writer is the ledger as a replica sees it that begins to live now and is named so in its records.
func (s *Store) Writer(name string) *Ledger { return &Ledger{store: s, writer: name} }

// Ledger is the store as one life of one replica sees it, with the promises of [ledger.Ledger]. Its methods are safe for concurrent
// use, but one Incident is passed to one of them at a time. With a ctx that has ended they do nothing and return an
// events.ErrUnavailable.
type Ledger struct {
	store  *Store
	writer string
	known  ledger.Budget // as it was read or written last; guarded by the store's lock
}

// fill puts in what the ledger knows of a record. It follows one with a sum, none where it is the first. The nonce is the next
// sequence, which no record had before it. The caller holds the lock.
func (l *Ledger) fill(rec incident.Record, id incident.ID, prev string) incident.Record {
	rec.Schema, rec.Incident, rec.Writer, rec.Prev = incident.Schema, id, l.writer, prev
	rec.Nonce = strconv.FormatUint(l.store.seq+1, 10)
	return rec
}

// add writes a record about a fault. The caller holds the lock.
func (s *Store) add(key incident.Key, rec incident.Record, data []byte) incident.Sequenced {
	s.seq++
	msg := stored{rec.Incident, rec.Kind, s.seq, s.now(), data}
	s.log = append(s.log, msg)
	s.histories[msg.id] = append(s.histories[msg.id], msg)
	s.last[key] = msg
	return incident.Sequenced{Record: rec, Seq: msg.seq, Sum: incident.SumOf(data)}
}

// setBudget replaces the budget. The caller holds the lock.
func (s *Store) setBudget(b ledger.Budget) {
	s.seq++
	s.budget, s.budgetSeq = b, s.seq
}

// end is the last record of an incident, the zero value when there is none. The caller holds the lock.
func (s *Store) end(id incident.ID) stored {
	history := s.histories[id]
	if len(history) == 0 {
		return stored{}
	}
	return history[len(history)-1]
}

// record reads a record. One that cannot be read is given with its incident alone, and folding it fails.
func (m stored) record() incident.Sequenced {
	out := incident.Sequenced{Seq: m.seq, StoredAt: m.at, Sum: incident.SumOf(m.data)}
	if err := json.Unmarshal(m.data, &out.Record); err != nil {
		out.Record = incident.Record{}
	}
	out.Incident = m.id
	return out
}

// away is why the store does not answer: whoever asks has stopped waiting.
func away(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", events.ErrUnavailable, err)
	}
	return nil
}
