package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/salvor-io/salvor/internal/incident"
)

// Append adds a record to the history the incident was folded from, and to the incident. Schema, Incident, Writer, Nonce
// and Prev are filled in. It returns the record's sequence.
//
// A record that the incident's state refuses is an *incident.RefusedError. ErrLost means that somebody else appended first:
// load the incident and judge again. After any error the incident is as it was. The StoredAt of a record that was added this
// way is zero until the incident is loaded again.
//
// Intents go through AppendIntent, the last record through Close.
func (l *Ledger) Append(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error) {
	seq, err := l.append(ctx, inc, rec, nil)
	if errors.Is(err, errRefused) {
		err = ErrLost
	}
	if err != nil {
		return 0, fmt.Errorf("append %s to incident %s: %w", rec.Kind, inc.ID, err)
	}
	return seq, nil
}

// append writes the record in one batch with the writes that go with it.
func (l *Ledger) append(ctx context.Context, inc *incident.Incident, rec incident.Record, with []write) (uint64, error) {
	rec = l.fill(rec, inc.ID, inc.Head)
	if err := admits(inc, rec); err != nil {
		return 0, err
	}
	data, err := Document(rec)
	if err != nil {
		return 0, err
	}
	writes := append(with, write{subject: incidentSubject(inc.Key.Cluster, inc.ID), expect: inc.Seq, data: data})
	seq, err := l.store(ctx, rec.Nonce, writes...)
	if err != nil {
		return 0, err
	}
	return seq, inc.Apply(incident.Sequenced{Record: rec, Seq: seq, Sum: incident.SumOf(data)})
}

func admits(inc *incident.Incident, rec incident.Record) error {
	if inc.ID == "" {
		return errors.New("the incident was not opened: use OpenIncident")
	}
	return inc.Admits(rec)
}

// fill puts in what the ledger knows of a record. It follows one with a sum, none where it is the first.
func (l *Ledger) fill(rec incident.Record, id incident.ID, prev string) incident.Record {
	rec.Schema, rec.Incident, rec.Writer, rec.Nonce, rec.Prev = incident.Schema, id, l.opt.Writer, rand.Text(), prev
	return rec
}

// Current returns nil while the incident's last record is the last of its history, and ErrLost when another was appended. The
// holder of an intent asks before each write to the world.
func (l *Ledger) Current(ctx context.Context, inc *incident.Incident) error {
	msg, err := l.last(ctx, incidentSubject(inc.Key.Cluster, inc.ID))
	if err != nil {
		return fmt.Errorf("look at incident %s: %w", inc.ID, err)
	}
	if msg == nil || msg.Seq != inc.Seq {
		return fmt.Errorf("look at incident %s: %w", inc.ID, ErrLost)
	}
	return nil
}
