package ingest

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/events/probe"
)

// errWitness is wrapped by the error for what a witness posts beside its own probes.
var errWitness = errors.New("a witness posts its own probes and nothing else")

// testified is a probe as the witness that posted it may state it: by itself, of what it says it is about. That it is a witness is for
// Salvor to say.
func (c Credential) testified(ev events.Event) (events.Event, error) {
	if ev.Type != events.TypeProbe {
		return events.Event{}, fmt.Errorf("type %.80q: %w", ev.Type, errWitness)
	}
	p, err := probe.Read(ev.Data)
	if err != nil {
		return events.Event{}, err
	}
	if p.By != c.Witness {
		return events.Event{}, fmt.Errorf("probe by %.80q, the witness is %q: %w", p.By, c.Witness, errWitness)
	}
	if want := probe.Entity(p.By, p.Target); ev.Entity != want && ev.Entity != events.Again(want) {
		return events.Event{}, fmt.Errorf("subject is %.80q, want %q", ev.Entity, want)
	}
	p.Witness = true
	if ev.Data, err = json.Marshal(p); err != nil {
		return events.Event{}, fmt.Errorf("render probe: %w", err)
	}
	return ev, nil
}
