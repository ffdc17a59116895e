package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/salvor-io/salvor/internal/incident"
)

// keyRecord says whether a fault has an open incident. The incident's id is made of the key and the sequence of the record that
// opened it.
type keyRecord struct {
	signature
	Key    incident.Key `json:"key"`
	Open   bool         `json:"open"`
	Closed incident.ID  `json:"closed,omitempty"` // the incident that ended with this record
}

// openAttempts bounds how often OpenIncident looks again after it lost a race.
const openAttempts = 5

// OpenIncident opens an incident with its first record: Opened, with Key and Fault. Schema, Incident, Writer and Nonce are
// filled in. It returns nil when this record is the first of a new incident, and ErrAlreadyOpen with the id when the fault has
// an open incident already.
//
// Two writes make an incident, the key and the first record. Whoever calls OpenIncident for a key that is open but has no
// incident yet, because its writer died between the two, completes it with the record of his own, which is the younger
// judgement of the two.
func (l *Ledger) OpenIncident(ctx context.Context, first incident.Record) (incident.ID, error) {
	if err := (&incident.Incident{}).Admits(first); err != nil {
		return "", fmt.Errorf("open incident: %w", err)
	}
	for range openAttempts {
		id, err := l.openKey(ctx, *first.Key)
		if errors.Is(err, errRefused) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("open incident of %s %s: %w", first.Key.Kind, first.Key.Anchor, err)
		}
		return l.begin(ctx, id, first)
	}
	return "", fmt.Errorf("open incident of %s %s: %w", first.Key.Kind, first.Key.Anchor, unavailable(errors.New("its key is contended")))
}

// openKey opens the key when it is not open, and returns the id of the incident that it is open for.
func (l *Ledger) openKey(ctx context.Context, key incident.Key) (incident.ID, error) {
	subject := keySubject(key)
	msg, err := l.last(ctx, subject)
	if err != nil {
		return "", err
	}
	seq := uint64(0)
	if msg != nil {
		rec, err := readKey(msg, key)
		if err != nil {
			return "", err
		}
		if rec.Open {
			return incident.IDOf(key, msg.Seq), nil
		}
		seq = msg.Seq
	}
	rec := keyRecord{signature: l.sign(), Key: key, Open: true}
	data, err := document(rec)
	if err != nil {
		return "", err
	}
	seq, err = l.store(ctx, rec.Nonce, write{subject, seq, data})
	if err != nil {
		return "", err
	}
	return incident.IDOf(key, seq), nil
}

func readKey(msg *stored, key incident.Key) (keyRecord, error) {
	var rec keyRecord
	if err := decode(msg, &rec); err != nil {
		return rec, err
	}
	if rec.Key != key {
		return rec, fmt.Errorf("key %s is taken by another fault, %s %s: change the name of the cluster", msg.Subject, rec.Key.Kind, rec.Key.Anchor)
	}
	return rec, nil
}

// begin writes the first record of an incident that has none.
func (l *Ledger) begin(ctx context.Context, id incident.ID, first incident.Record) (incident.ID, error) {
	rec := l.fill(first, id)
	data, err := document(rec)
	if err != nil {
		return "", fmt.Errorf("open incident %s: %w", id, err)
	}
	switch _, err = l.store(ctx, rec.Nonce, write{incidentSubject(first.Key.Cluster, id), 0, data}); {
	case errors.Is(err, errRefused):
		return id, fmt.Errorf("open incident %s: %w", id, ErrAlreadyOpen)
	case err != nil:
		return "", fmt.Errorf("open incident %s: %w", id, err)
	}
	return id, nil
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
