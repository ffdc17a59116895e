package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
)

// archiveAtOnce bounds how many incidents one call of Archive moves.
const archiveAtOnce = 200

// Archive moves each incident that ended before a time out of the stream of incidents: its whole history becomes one document
// of the archive, which is read back before the records are purged. Incidents that live, that ended later, or that the budget
// still names are not touched, but for this: what the budget holds for an incident that is not worked on, because who claimed it
// was lost before the record, is released when the next call finds it so too. One call moves at most 200.
//
// Any number of processes may call it at once. It may die at any moment and be repeated: the document is there before the
// first record goes, and of several writers one writes it. A history that cannot be moved, because it is too large for one
// document or was written by another version, stays where it is; the log says so once. After an error the rest is left to the
// next call.
func (l *Ledger) Archive(ctx context.Context, endedBefore time.Time) error {
	subjects, err := l.subjects(ctx, IncidentsStream, anyIncident)
	if err != nil {
		return fmt.Errorf("archive incidents: list them: %w", err)
	}
	holders, err := l.Budget(ctx)
	if err != nil {
		return fmt.Errorf("archive incidents: %w", err)
	}
	moved := 0
	defer func() {
		if moved > 0 {
			l.log.Info("ended incidents were archived", "incidents", moved)
		}
	}()
	for _, subject := range slices.Sorted(maps.Keys(subjects)) {
		id := incident.ID(lastToken(subject))
		if moved == archiveAtOnce {
			break
		}
		if holders.Holds(id) {
			if err := l.releaseLeft(ctx, id); errors.Is(err, events.ErrUnavailable) {
				return fmt.Errorf("archive incident %s: see whether it still holds what it claimed: %w", id, err)
			} else if err != nil && !l.aside.has(id) {
				l.aside.add(id)
				l.log.Warn("what an incident holds is not known to be needed, it stays held", "incident", id.Name(), "id", id, "reason", err)
			}
			continue
		}
		if l.aside.has(id) {
			continue
		}
		done, err := l.archive(ctx, subject, endedBefore)
		switch {
		case errors.Is(err, errStays):
			l.aside.add(id)
			l.log.Warn("an ended incident is not archived, its records stay where they are and take space", "incident", id.Name(), "id", id, "reason", err)
		case err != nil:
			return fmt.Errorf("archive incident %s: %w", id, err)
		case done:
			moved++
		}
	}
	return nil
}

// releaseLeft releases what an incident holds that is not worked on, if the call before found it so too and nothing was recorded
// since: who claims takes seconds to record what for, calls are minutes apart.
func (l *Ledger) releaseLeft(ctx context.Context, id incident.ID) error {
	inc, err := l.load(ctx, id)
	if err != nil || inc.Working() {
		return err
	}
	if !l.left.again(id, inc.Seq) {
		return nil
	}
	return l.release(ctx, id)
}

// archive moves one incident, if it ended before a time.
func (l *Ledger) archive(ctx context.Context, subject string, endedBefore time.Time) (moved bool, err error) {
	history, err := l.endedHistory(ctx, subject, endedBefore)
	if errors.Is(err, errStays) && l.isRest(ctx, subject) {
		return true, l.purge(ctx, IncidentsStream, subject)
	}
	if err != nil || len(history) == 0 {
		return false, err
	}
	if err := l.preserve(ctx, subject, history); err != nil {
		return false, err
	}
	return true, l.purgeHistory(ctx, subject, history)
}

// isRest says whether all records that the stream still has of an incident are in the archive: a purge that was cut off may
// leave some.
func (l *Ledger) isRest(ctx context.Context, subject string) bool {
	rest, err := l.history(ctx, subject)
	if err != nil || len(rest) == 0 {
		return false
	}
	all, err := l.archived(ctx, incident.ID(lastToken(subject)))
	return err == nil && len(all) >= len(rest) && slices.EqualFunc(all[len(all)-len(rest):], rest, sameRecord)
}

// endedHistory reads the history of an incident that ended before a time, and nothing of any other.
func (l *Ledger) endedHistory(ctx context.Context, subject string, before time.Time) ([]stored, error) {
	last, err := l.last(ctx, subject)
	if err != nil || last == nil || !last.At.Before(before) || record(*last).Kind != incident.Closed {
		return nil, err
	}
	history, err := l.history(ctx, subject)
	if err != nil || endOf(history) != last.Seq {
		return nil, err // where it is no longer what it was, the next call looks again
	}
	switch inc, err := fold(history); {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errStays, err)
	case inc.State != incident.Ended:
		return nil, fmt.Errorf("%w: its last record is %s, its state is %s", errStays, incident.Closed, inc.State)
	}
	return history, nil
}

// preserve returns nil when the archive holds the history: it writes the document, unless one is there, and reads it back. An
// answer of the write that was lost makes no difference then.
func (l *Ledger) preserve(ctx context.Context, subject string, history []stored) error {
	id := incident.ID(lastToken(subject))
	doc, err := l.archiveDocument(id, history)
	if err != nil {
		return err
	}
	_, writing := l.publish(ctx, write{subject: archiveSubject(subject), data: doc}.message())
	there, err := l.archived(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound) && writing != nil && !errors.Is(writing, errRefused):
		return fmt.Errorf("write its document: %w", writing)
	case errors.Is(err, events.ErrUnavailable), errors.Is(err, ErrNotFound):
		return fmt.Errorf("read its document back: %w", err)
	case err != nil:
		return fmt.Errorf("%w: read its document back: %w", errStays, err)
	case !slices.EqualFunc(there, history, sameRecord):
		return fmt.Errorf("%w: the archive has another history of it at %s, which must not be: keep both and report it", errStays, archiveSubject(subject))
	}
	return nil
}

// sameRecord compares what an archive gave with what the stream of incidents holds, byte for byte: the next record names their sum.
func sameRecord(archived, here stored) bool {
	return archived.Subject == here.Subject && archived.Seq == here.Seq && archived.At.Equal(here.At) && bytes.Equal(archived.Data, here.Data) &&
		archived.Mark == here.Mark
}

// purgeHistory removes the records that were read, and none that came later.
func (l *Ledger) purgeHistory(ctx context.Context, subject string, history []stored) error {
	return l.purge(ctx, IncidentsStream, subject, jetstream.WithPurgeSequence(history[len(history)-1].Seq+1))
}
