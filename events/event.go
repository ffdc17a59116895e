package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// MaxData bounds the payload of one event, in bytes. Larger payloads are refused by [Event.Validate].
const MaxData = 256 << 10

// maxName bounds each identifying attribute of an event, in bytes.
const maxName = 512

// Event is one observation about one object of one cluster.
type Event struct {
	ID      string          // identity, chosen by what was observed and never by who observed it
	Source  string          // CloudEvents source: a URI reference that says where it was observed
	Type    Type            // what was observed; it decides the shape of Data
	Cluster string          // name of the cluster the object belongs to
	Entity  string          // the object, as "<kind>/<name>", for example "node/worker-1"
	Time    time.Time       // when the source says it happened; may be wrong, never used to judge
	Data    json.RawMessage // a JSON document of at most MaxData bytes
}

// Recorded is an event as a Log keeps it.
type Recorded struct {
	Event
	Seq uint64    // place in the Log, strictly increasing
	At  time.Time // when the Log accepted it: the only time that judgements use
}

// Validate says what keeps the event from being recorded, or nil.
func (e Event) Validate() error {
	for _, attr := range []struct{ name, value string }{
		{"id", e.ID}, {"source", e.Source}, {"type", string(e.Type)}, {"cluster", e.Cluster}, {"entity", e.Entity},
	} {
		if attr.value == "" {
			return fmt.Errorf("event has no %s", attr.name)
		}
		if len(attr.value) > maxName {
			return fmt.Errorf("event %s is %d bytes long, at most %d are taken", attr.name, len(attr.value), maxName)
		}
	}
	if len(e.Data) > MaxData {
		return fmt.Errorf("event %q carries %d bytes, at most %d are taken", e.ID, len(e.Data), MaxData)
	}
	if len(e.Data) == 0 || !json.Valid(e.Data) {
		return fmt.Errorf("event %q carries no valid JSON", e.ID)
	}
	return nil
}

// Decode reads the payload into v, strictly typed but tolerant of fields it does not know, and marks its error Permanent:
// the same bytes fail the same way each time.
func (e Event) Decode(v any) error {
	if err := json.Unmarshal(e.Data, v); err != nil {
		return Permanent(fmt.Errorf("decode %s %q: %w", e.Type, e.ID, err))
	}
	return nil
}

// New builds an event with the payload rendered as JSON. It fails only when the payload cannot be rendered.
func New(id string, typ Type, source, cluster, entity string, at time.Time, payload any) (Event, error) {
	data, err := json.Marshal(payload)
	if err != nil {
		return Event{}, fmt.Errorf("render %s %q: %w", typ, id, err)
	}
	return Event{ID: id, Source: source, Type: typ, Cluster: cluster, Entity: entity, Time: at.UTC(), Data: data}, nil
}

// Permanent marks an error as one that no retry can mend. A Handler that returns it sends its event to the dead-letter
// subject with the error as the reason.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanentError{err}
}

// IsPermanent says whether err, or an error it wraps, was marked by [Permanent].
func IsPermanent(err error) bool {
	var p permanentError
	return errors.As(err, &p)
}

type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

// EntityName is the part of an entity after its kind: "worker-1" of "node/worker-1".
func EntityName(entity string) string {
	_, name, _ := strings.Cut(entity, "/")
	return name
}
