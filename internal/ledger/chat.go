package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
)

// chatRecord is what is kept of an incident's message in one channel. The ledger does not read it.
type chatRecord struct {
	signature
	Place json.RawMessage `json:"place"`
}

// ChatPlace reads what KeepChatPlace kept of an incident in a channel, and its sequence: nil and 0 when that is nothing.
func (l *Ledger) ChatPlace(ctx context.Context, id incident.ID, channel string) (json.RawMessage, uint64, error) {
	if err := checkID(id); err != nil {
		return nil, 0, fmt.Errorf("read the message of %s in %s: %w", id, channel, err)
	}
	msg, err := l.last(ctx, chatSubject(id, channel))
	if err != nil || msg == nil {
		return nil, 0, err
	}
	var rec chatRecord
	if err := decode(msg, &rec); err != nil {
		return nil, 0, err
	}
	return rec.Place, msg.Seq, nil
}

// KeepChatPlace keeps where an incident's message in a channel is, and who edits it, when nothing was kept since the sequence that was read;
// ErrLost says that something was. It returns the new sequence. What is kept is dropped after 30 days.
// It has a stream of its own: it changes with each edit, and would take room from incidents there and wake their moves.
func (l *Ledger) KeepChatPlace(ctx context.Context, id incident.ID, channel string, after uint64, place json.RawMessage) (uint64, error) {
	if err := checkID(id); err != nil {
		return 0, fmt.Errorf("keep the message of %s in %s: %w", id, channel, err)
	}
	rec := chatRecord{l.sign(), place}
	data, err := Document(rec)
	if err != nil {
		return 0, err
	}
	seq, err := l.store(ctx, rec.Nonce, write{subject: chatSubject(id, channel), expect: after, data: data})
	if errors.Is(err, errRefused) {
		err = ErrLost
	}
	if err != nil {
		return 0, fmt.Errorf("keep the message of %s in %s: %w", id.Name(), channel, err)
	}
	return seq, nil
}

func chatSubject(id incident.ID, channel string) string {
	return chatPrefix + string(id) + "." + events.Token(channel)
}
