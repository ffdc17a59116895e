package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
)

// loadAtOnce bounds how many incidents of the archive are read side by side.
const loadAtOnce = 4

// everyName is how the short name of every incident begins.
const everyName = "inc-"

// past knows the incidents that live and those that ended, however long ago.
type past struct {
	index interface {
		Incidents() []incident.Incident
		Time() time.Time
	}
	ledger interface {
		Named(ctx context.Context, text string) ([]incident.ID, error)
		Load(ctx context.Context, id incident.ID) (*incident.Incident, error)
	}
	keep time.Duration // how long after its end an incident is in the index
}

// Since implements api.Past and export.Past: those that live, and those that ended after a time, the oldest first. What the index knows
// is not read from the ledger. A history that cannot be folded is left out, as it is left alone.
func (p past) Since(ctx context.Context, t time.Time) ([]incident.Incident, error) {
	all := p.index.Incidents()
	if !t.After(p.index.Time().Add(-p.keep)) {
		old, err := p.older(ctx, all)
		if err != nil {
			return nil, err
		}
		all = append(old, all...)
	}
	all = slices.DeleteFunc(all, func(inc incident.Incident) bool { return !inc.Live() && inc.Since.Before(t) })
	slices.SortStableFunc(all, func(a, b incident.Incident) int { return a.OpenedAt.Compare(b.OpenedAt) })
	return all, nil
}

// older are the incidents that are not among those known.
func (p past) older(ctx context.Context, known []incident.Incident) ([]incident.Incident, error) {
	ids, err := p.ledger.Named(ctx, everyName)
	if err != nil {
		return nil, fmt.Errorf("list the incidents: %w", err)
	}
	indexed := map[incident.ID]bool{}
	for _, inc := range known {
		indexed[inc.ID] = true
	}
	ids = slices.DeleteFunc(ids, func(id incident.ID) bool { return indexed[id] })
	found := make([]*incident.Incident, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(loadAtOnce)
	for i, id := range ids {
		group.Go(func() (err error) {
			found[i], err = p.load(ctx, id)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var out []incident.Incident
	for _, inc := range found {
		if inc != nil {
			out = append(out, *inc)
		}
	}
	return out, nil
}

// load reads an incident, nil when there is nothing of it that can be read.
func (p past) load(ctx context.Context, id incident.ID) (*incident.Incident, error) {
	inc, err := p.ledger.Load(ctx, id)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if errors.Is(err, events.ErrUnavailable) {
		return nil, err
	}
	return inc, nil
}
