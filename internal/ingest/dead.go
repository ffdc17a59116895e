package ingest

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/salvor-io/salvor/events"
)

// Dead is one item of a dead letter.
type Dead struct {
	Reason string          `json:"reason"`
	Item   json.RawMessage `json:"item"` // as it was sent, or a JSON string of its beginning when it is too long to keep
}

// maxItem bounds an item of a dead letter, in bytes. A byte of a cut item takes up to six in a JSON string.
const maxItem = events.MaxData / 8

// layDown sends the items of one post to the dead letters, many in a letter: a post may be all bad, and each letter is a
// durable write.
func (in *Intake) layDown(ctx context.Context, subject string, items []rejected) error {
	for len(items) > 0 {
		letter, taken, err := letterOf(items)
		if err != nil {
			return err
		}
		reason := letterReason(items[:taken])
		in.opts.Logger.Warn("items dead-lettered", "subject", subject, "items", taken, "reason", reason)
		if err := in.opts.Dead.DeadLetter(ctx, subject, reason, letter, letterHeader()); err != nil {
			return fmt.Errorf("dead-letter %d items: %w", taken, err)
		}
		items = items[taken:]
	}
	return nil
}

func letterHeader() map[string][]string {
	return map[string][]string{"content-type": {"application/json"}}
}

// letterOf renders as many of the items as fit into a letter, at least one, and says how many.
func letterOf(items []rejected) (letter []byte, taken int, err error) {
	letter = []byte("[")
	for _, item := range items {
		text, err := json.Marshal(deadOf(item))
		if err != nil {
			return nil, 0, fmt.Errorf("render dead letter: %w", err)
		}
		if taken > 0 && len(letter)+len(text)+len(",]") > events.MaxData {
			break
		}
		if taken > 0 {
			letter = append(letter, ',')
		}
		letter = append(letter, text...)
		taken++
	}
	return append(letter, ']'), taken, nil
}

func deadOf(item rejected) Dead {
	dead := Dead{Reason: shorten(item.Err.Error()), Item: item.Data}
	if len(item.Data) > maxItem {
		dead.Reason += fmt.Sprintf(" (of %d bytes the first %d are kept)", len(item.Data), maxItem)
		dead.Item, _ = json.Marshal(string(item.Data[:maxItem])) // a string is always rendered
	}
	return dead
}

func letterReason(items []rejected) string {
	reason := shorten(items[0].Err.Error())
	if more := len(items) - 1; more > 0 {
		reason += fmt.Sprintf(" (and %d more items of the post)", more)
	}
	return reason
}
