package ledger

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// compactAtOnce bounds how many subjects one call of Compact purges.
const compactAtOnce = 1000

// Compact removes the old revisions of the budget and the keys, of which only the last counts. Histories are not touched. One
// call purges at most 1000 subjects. Any number of processes may call it at once, it may die at any moment and be repeated.
//
// Each subject is purged up to the sequence of its last record: that record stays, so that a compare-and-set on it goes on, and
// so does whatever is written meanwhile.
func (l *Ledger) Compact(ctx context.Context) error {
	subjects, err := l.subjects(ctx, IncidentsStream, incidentPrefix+">")
	if err != nil {
		return fmt.Errorf("remove old revisions: list them: %w", err)
	}
	purged := 0
	for _, subject := range slices.Sorted(maps.Keys(subjects)) {
		if subjects[subject] < 2 || !lastCounts(subject) {
			continue
		}
		if purged == compactAtOnce {
			break
		}
		if err := l.compact(ctx, subject); err != nil {
			return fmt.Errorf("remove old revisions of %s: %w", subject, err)
		}
		purged++
	}
	l.log.Debug("old revisions were removed", "subjects", purged)
	return nil
}

func (l *Ledger) compact(ctx context.Context, subject string) error {
	last, err := l.last(ctx, subject)
	if err != nil || last == nil {
		return err
	}
	return l.purge(ctx, IncidentsStream, subject, jetstream.WithPurgeSequence(last.Seq))
}

// lastCounts says whether only the last record of a subject means anything: the budget and keys.
func lastCounts(subject string) bool {
	tokens := strings.Split(strings.TrimPrefix(subject, incidentPrefix), ".")
	return subject == budgetSubject || len(tokens) == 3 && tokens[2] == "key"
}

// subjects counts the messages of each subject that a filter lets through.
func (l *Ledger) subjects(ctx context.Context, stream, filter string) (map[string]uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	s, err := l.js.Stream(ctx, stream)
	if err != nil {
		return nil, unavailable(err)
	}
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(filter))
	if err != nil {
		return nil, unavailable(err)
	}
	return info.State.Subjects, nil
}
