package ledger

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/internal/incident"
)

// Find is the id that text names: an id, its beginning, or the short name of an incident or its beginning, with or without
// "inc-". Incidents that have ended count, archived or not. It returns ErrNotFound when nothing has that name, and an error that
// lists the ids when several have.
func (l *Ledger) Find(ctx context.Context, text string) (incident.ID, error) {
	found, err := l.Named(ctx, text)
	switch {
	case err != nil:
		return "", err
	case len(found) == 0:
		return "", fmt.Errorf("find incident %q: %w", text, ErrNotFound)
	case len(found) == 1:
		return found[0], nil
	}
	return "", fmt.Errorf("find incident %q: several have that name, use one of the ids %v", text, found)
}

// Named are the ids that text names as with Find, in order. A whole id names that incident alone, however other ids begin.
func (l *Ledger) Named(ctx context.Context, text string) ([]incident.ID, error) {
	if text == "" {
		return nil, nil
	}
	ids, err := l.incidents(ctx)
	if err != nil {
		return nil, fmt.Errorf("find incident %q: %w", text, err)
	}
	var found []incident.ID
	for _, id := range ids {
		switch {
		case string(id) == text:
			return []incident.ID{id}, nil
		case strings.HasPrefix(string(id), text), strings.HasPrefix(id.Name(), text), strings.HasPrefix(id.Name(), "inc-"+text):
			found = append(found, id)
		}
	}
	return found, nil
}

// incidents are the ids of all incidents there are, each once, in order. The archive is read last, so that none is missed that
// is moved there meanwhile.
func (l *Ledger) incidents(ctx context.Context) ([]incident.ID, error) {
	seen := map[incident.ID]bool{}
	for _, at := range []struct{ stream, filter string }{{IncidentsStream, anyIncident}, {ArchiveStream, anyArchived}} {
		subjects, err := l.subjects(ctx, at.stream, at.filter)
		if err != nil {
			return nil, fmt.Errorf("list the subjects of %s: %w", at.stream, err)
		}
		for subject := range subjects {
			seen[incident.ID(lastToken(subject))] = true
		}
	}
	return slices.Sorted(maps.Keys(seen)), nil
}
