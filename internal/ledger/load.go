package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/salvor-io/salvor/internal/incident"
)

// Load folds the whole history of an incident, as it is now, archived or not. It returns ErrNotFound when there is none, and an
// error for a history that holds a record this version does not know or the state machine refuses: hands off.
func (l *Ledger) Load(ctx context.Context, id incident.ID) (*incident.Incident, error) {
	inc, err := l.load(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("load incident %s: %w", id, err)
	}
	return inc, nil
}

func (l *Ledger) load(ctx context.Context, id incident.ID) (*incident.Incident, error) {
	history, err := l.historyOf(ctx, id)
	if err != nil {
		return nil, err
	}
	return fold(history)
}

// historyOf reads the history of an incident, archived or not.
func (l *Ledger) historyOf(ctx context.Context, id incident.ID) ([]stored, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	history, err := l.history(ctx, incidentPrefix+"*."+anyCluster(id))
	if err == nil && !begins(history) {
		history, err = l.whole(ctx, id, history)
	}
	return history, err
}

// begins says whether a history has its beginning.
func begins(history []stored) bool {
	return len(history) > 0 && record(history[0]).Kind == incident.Opened
}

// whole is the history in the archive when the stream has none, or only the rest that a purge left which was cut off. Without
// an archive it is what the stream has.
func (l *Ledger) whole(ctx context.Context, id incident.ID, rest []stored) ([]stored, error) {
	all, err := l.archived(ctx, id)
	if errors.Is(err, ErrNotFound) && len(rest) > 0 {
		return rest, nil
	}
	return all, err
}

func fold(history []stored) (*incident.Incident, error) {
	var records []incident.Sequenced
	for _, msg := range history {
		records = append(records, record(msg))
	}
	return incident.Fold(records)
}

// record reads one record. One that cannot be read, or is of another schema, is given with what is known of it, and folding it
// fails.
func record(msg stored) incident.Sequenced {
	out := incident.Sequenced{Seq: msg.Seq, StoredAt: msg.At, Sum: incident.SumOf(msg.Data)}
	if err := json.Unmarshal(msg.Data, &out.Record); err != nil || out.Schema != incident.Schema {
		out.Record = unknown(msg)
	}
	out.Incident = incident.ID(lastToken(msg.Subject))
	return out
}

// unknown is what can be said of a record that is not known: who wrote it, and its schema where that is another.
func unknown(msg stored) incident.Record {
	var sig signature
	if err := json.Unmarshal(msg.Data, &sig); err != nil || sig.Schema == incident.Schema {
		sig.Schema = 0 // not even the schema is to be believed
	}
	return incident.Record{Schema: sig.Schema, Writer: sig.Writer, Nonce: sig.Nonce}
}
