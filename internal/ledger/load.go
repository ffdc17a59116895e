package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/salvor-io/salvor/internal/incident"
)

// Load folds the whole history of an incident, as it is now. It returns ErrNotFound when there is none, and an error for a
// history that holds a record this version does not know or the state machine refuses: hands off.
func (l *Ledger) Load(ctx context.Context, id incident.ID) (*incident.Incident, error) {
	inc, err := l.load(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("load incident %s: %w", id, err)
	}
	return inc, nil
}

func (l *Ledger) load(ctx context.Context, id incident.ID) (*incident.Incident, error) {
	if _, err := openedAt(id); err != nil {
		return nil, err
	}
	msgs, err := l.history(ctx, incidentPrefix+"*."+string(id))
	if err != nil {
		return nil, err
	}
	if len(msgs) == 0 {
		return nil, ErrNotFound
	}
	var records []incident.Sequenced
	for _, msg := range msgs {
		records = append(records, record(msg))
	}
	return incident.Fold(records)
}

// record reads one record. One that cannot be read, or is of another schema, is given with what is known of it, and folding it
// fails.
func record(msg stored) incident.Sequenced {
	out := incident.Sequenced{Seq: msg.Seq, StoredAt: msg.At}
	var sig signature
	err := json.Unmarshal(msg.Data, &sig)
	if err == nil && sig.Schema == incident.Schema {
		err = json.Unmarshal(msg.Data, &out.Record)
	}
	if err != nil || sig.Schema != incident.Schema {
		out.Record = incident.Record{Schema: sig.Schema, Writer: sig.Writer, Nonce: sig.Nonce}
		if err != nil {
			out.Schema = 0 // not even the schema is to be believed
		}
	}
	out.Incident = incident.ID(lastToken(msg.Subject))
	return out
}

// Find is the id that text names: an id, its beginning, or the short name of an incident, closed or not. It returns ErrNotFound
// when nothing has that name, and an error that lists the ids when several have.
func (l *Ledger) Find(ctx context.Context, text string) (incident.ID, error) {
	ids, err := l.incidents(ctx)
	if err != nil {
		return "", fmt.Errorf("find incident %q: %w", text, err)
	}
	var found []incident.ID
	for _, id := range ids {
		if string(id) == text {
			return id, nil
		}
		if id.Name() == text || text != "" && strings.HasPrefix(string(id), text) {
			found = append(found, id)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("find incident %q: %w", text, ErrNotFound)
	case 1:
		return found[0], nil
	}
	slices.Sort(found)
	return "", fmt.Errorf("find incident %q: several have that name, use one of the ids %v", text, found)
}

// incidents are the ids of all incidents in the stream.
func (l *Ledger) incidents(ctx context.Context) ([]incident.ID, error) {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	stream, err := l.js.Stream(ctx, IncidentsStream)
	if err != nil {
		return nil, unavailable(err)
	}
	seen, err := stream.Info(ctx, jetstream.WithSubjectFilter(anyIncident))
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, unavailable(err)
	}
	var ids []incident.ID
	for subject := range seen.State.Subjects {
		ids = append(ids, incident.ID(lastToken(subject)))
	}
	return ids, nil
}
