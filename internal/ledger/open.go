package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/salvor-io/salvor/internal/incident"
)

// keyRecord says that a fault has no open incident. It stands for those that have ended, whose records may be archived.
type keyRecord struct {
	signature
	Key    incident.Key `json:"key"`
	Closed incident.ID  `json:"closed"` // the incident that ended with this record
}

// openAttempts bounds how often OpenIncident looks again after it lost a race.
const openAttempts = 5

// OpenIncident opens an incident with its first record: Opened, with Key and Fault. Schema, Incident, Writer and Nonce are
// filled in. It returns the incident when this record is the first of a new one, and ErrAlreadyOpen when the fault has an open
// incident already.
//
// The first record is stored only when nothing was written about the fault since its last incident ended, or since there was
// none: of several who open, one does. The id of the incident is made of the key and of where that was. The caller says where it
// was as far as he knows, which saves looking when it is still so.
func (l *Ledger) OpenIncident(ctx context.Context, first incident.Record, after uint64) (*incident.Incident, error) {
	if err := (&incident.Incident{}).Admits(first); err != nil {
		return nil, fmt.Errorf("open incident: %w", err)
	}
	for range openAttempts {
		inc, err := l.begin(ctx, incident.IDOf(*first.Key, after), after, first)
		if errors.Is(err, errRefused) {
			if after, err = l.lastEnd(ctx, *first.Key); err == nil {
				continue
			}
		}
		if err != nil {
			return nil, fmt.Errorf("open incident of %s %s: %w", first.Key.Kind, first.Key.Anchor, err)
		}
		return inc, nil
	}
	return nil, fmt.Errorf("open incident of %s %s: %w", first.Key.Kind, first.Key.Anchor, unavailable(errors.New("its key is contended")))
}

// lastEnd is the sequence of what was last written about a fault, 0 when nothing was. It returns ErrAlreadyOpen when that is not
// the end of an incident.
func (l *Ledger) lastEnd(ctx context.Context, key incident.Key) (uint64, error) {
	msg, err := l.last(ctx, faultPrefix(key)+">")
	switch {
	case err != nil:
		return 0, err
	case msg == nil:
		return 0, nil
	case msg.Subject == keySubject(key):
		return msg.Seq, readKey(msg, key)
	case record(*msg).Kind != incident.Closed:
		return 0, fmt.Errorf("%w: %s", ErrAlreadyOpen, lastToken(msg.Subject))
	}
	return msg.Seq, nil
}

func readKey(msg *stored, key incident.Key) error {
	var rec keyRecord
	if err := decode(msg, &rec); err != nil {
		return err
	}
	if rec.Key != key {
		return fmt.Errorf("key %s is taken by another fault, %s %s: change the name of the cluster", msg.Subject, rec.Key.Kind, rec.Key.Anchor)
	}
	return nil
}

// begin writes the first record of an incident, when what was last written about its fault is where it was. All who open name the
// same subjects, letter for letter: by that a replicated stream tells writes that are under way from each other.
func (l *Ledger) begin(ctx context.Context, id incident.ID, last uint64, first incident.Record) (*incident.Incident, error) {
	rec := l.fill(first, id, "")
	data, err := Document(rec)
	if err != nil {
		return nil, err
	}
	w := write{subject: incidentSubject(first.Key.Cluster, id), expect: last, data: data, among: faultPrefix(*first.Key) + ">"}
	seq, err := l.store(ctx, rec.Nonce, w)
	if err != nil {
		return nil, err
	}
	return incident.Fold([]incident.Sequenced{{Record: rec, Seq: seq, Sum: incident.SumOf(data)}})
}

// decode reads a signed document, and refuses one of another schema before it looks at the rest.
func decode(msg *stored, into any) error {
	var sig signature
	if err := json.Unmarshal(msg.Data, &sig); err != nil {
		return fmt.Errorf("decode %s at %d: %w", msg.Subject, msg.Seq, err)
	}
	if err := sig.known(); err != nil {
		return fmt.Errorf("decode %s at %d: %w", msg.Subject, msg.Seq, err)
	}
	if err := json.Unmarshal(msg.Data, into); err != nil {
		return fmt.Errorf("decode %s at %d: %w", msg.Subject, msg.Seq, err)
	}
	return nil
}
