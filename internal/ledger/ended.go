package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// maxEnded bounds how many things are remembered to have ended before their time: they share a bucket with pauses, which need the room more.
const maxEnded = 2000

// endsLate is how long after its time an end is still remembered: the clock of another replica may be late by so much.
const endsLate = 5 * time.Minute

// endedRecord says that something has ended before its time.
type endedRecord struct {
	signature
	Until time.Time `json:"until"` // from then on it has ended anyway
}

// heldEnd is an end with where it lies.
type heldEnd struct {
	until   time.Time
	subject string
	seq     uint64
}

// endedSubject is the place of the end of something that has an id of its own.
func endedSubject(id string) string {
	sum := sha256.Sum256([]byte(id))
	return subjectKV + "ended." + hex.EncodeToString(sum[:16])
}

// End notes that something which would have ended at a time has ended now, for all replicas, and says whether it is the first to do so: of
// two at once one is. After an error that is not known, and whoever goes on must take it for ended.
func (l *Ledger) End(ctx context.Context, id string, until time.Time) (first bool, err error) {
	data, err := Document(endedRecord{l.sign(), until})
	if err != nil {
		return false, fmt.Errorf("note an end: %w", err)
	}
	_, err = l.publish(ctx, write{subject: endedSubject(id), data: data}.message())
	if errors.Is(err, errRefused) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("note an end: %w", err)
	}
	if err := l.pruneEnds(ctx); err != nil {
		l.log.Debug("what has ended anyway stays until the next end is noted", "error", err)
	}
	return true, nil
}

// HasEnded says whether End was called for an id, as long as that matters.
func (l *Ledger) HasEnded(ctx context.Context, id string) (bool, error) {
	found, err := l.get(ctx, switchesStream, query{Last: endedSubject(id)})
	if err != nil {
		return false, fmt.Errorf("read an end: %w", err)
	}
	return found != nil, nil
}

// pruneEnds forgets what has ended by itself since, and of too many ends those that come soonest.
func (l *Ledger) pruneEnds(ctx context.Context) error {
	found, err := l.direct(ctx, switchesStream, query{MultiLast: []string{subjectKV + "ended.*"}})
	if err != nil {
		return err
	}
	var held []heldEnd
	for _, msg := range found {
		var rec endedRecord
		if err := decode(&msg, &rec); err != nil {
			return err
		}
		held = append(held, heldEnd{rec.Until, msg.Subject, msg.Seq})
	}
	slices.SortFunc(held, func(a, b heldEnd) int { return a.until.Compare(b.until) })
	over := time.Now().Add(-endsLate)
	for i, h := range held {
		if h.until.After(over) && i >= len(held)-maxEnded {
			break
		}
		if err := l.purge(ctx, switchesStream, h.subject, jetstream.WithPurgeSequence(h.seq+1)); err != nil {
			return err
		}
	}
	return nil
}
