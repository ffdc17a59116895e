package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
)

// Place is where the message of an incident is in one channel, and which replica edits it.
type Place struct {
	Holder  string    `json:"holder"` // a life of a replica
	Until   time.Time `json:"until"`  // by the wall clock: others leave it to the holder until then
	Message string    `json:"message,omitempty"`
	Seq     uint64    `json:"seq"`    // of the card that is about to be shown: an older one is not shown any more
	Shown   uint64    `json:"shown"`  // of the card that the message shows for sure
	Told    uint64    `json:"told"`   // of the last record that was told beside it
	Called  string    `json:"called"` // what people were called for last
}

// Ledger keeps places. Keeping one fails with the error that Lost finds when another was kept since the sequence that was read.
type Ledger interface {
	ChatPlace(ctx context.Context, id incident.ID, channel string) (json.RawMessage, uint64, error)
	KeepChatPlace(ctx context.Context, id incident.ID, channel string, after uint64, place json.RawMessage) (uint64, error)
}

// read looks up the place of an incident, unless it is known.
func (b *board) read(ctx context.Context, id incident.ID, e *entry) error {
	if e.known {
		return nil
	}
	raw, seq, err := b.Ledger.ChatPlace(ctx, id, b.route.Channel.Name())
	if err != nil {
		return err
	}
	e.place, e.kept, e.known = Place{}, seq, true
	if seq == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, &e.place); err != nil {
		return fmt.Errorf("read where %s is shown: %w", id.Name(), err)
	}
	return nil
}

// keep writes a place, and makes it the one that is known. What it fails with leaves the place unknown.
func (b *board) keep(ctx context.Context, id incident.ID, e *entry, p Place) error {
	p.Holder, p.Until = b.Replica, b.Clock().Add(lease)
	raw, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("keep where %s is shown: %w", id.Name(), err)
	}
	e.known = false
	seq, err := b.Ledger.KeepChatPlace(ctx, id, b.route.Channel.Name(), e.kept, raw)
	if err != nil {
		return err
	}
	e.place, e.kept, e.known = p, seq, true
	return nil
}

func listed(list []string, name string) bool { return len(list) == 0 || slices.Contains(list, name) }
