package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
)

// KeptIncident is the history of an incident, archived or not, as it is stored. Nothing is decoded. It returns ErrNotFound when there
// is none, and an error that is no events.ErrUnavailable for one that is there and cannot be read.
func (l *Ledger) KeptIncident(ctx context.Context, id incident.ID) ([]incident.Kept, error) {
	history, err := l.historyOf(ctx, id)
	if err == nil && len(history) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read incident %s: %w", id, err)
	}
	return keptOf(history), nil
}

// KeptDecision is a document of what policy was asked as it is stored. It returns ErrNotFound when there is none.
func (l *Ledger) KeptDecision(ctx context.Context, ref string) (incident.Kept, error) {
	msg, err := l.decision(ctx, ref)
	if err != nil {
		return incident.Kept{}, fmt.Errorf("read decision %s: %w", ref, err)
	}
	return keptOf([]stored{*msg})[0], nil
}

// KeptTrails gives the entries of each trail as they are stored, in the order of their names, until give returns an error. Of a trail that
// is there and cannot be read it gives why.
func (l *Ledger) KeptTrails(ctx context.Context, give func(trail string, entries []incident.Kept, unread error) error) error {
	subjects, err := l.subjects(ctx, AuditStream, trailPrefix+"*")
	if err != nil {
		return fmt.Errorf("list trails: %w", err)
	}
	for _, subject := range slices.Sorted(maps.Keys(subjects)) {
		entries, err := l.history(ctx, subject)
		if errors.Is(err, events.ErrUnavailable) {
			return err
		}
		if err := give(lastToken(subject), keptOf(entries), err); err != nil {
			return err
		}
	}
	return nil
}

func keptOf(messages []stored) []incident.Kept {
	var all []incident.Kept
	for _, msg := range messages {
		all = append(all, incident.Kept{Seq: msg.Seq, StoredAt: msg.At, Bytes: msg.Data, Mark: msg.Mark})
	}
	return all
}
