package main

import (
	"context"
	"fmt"
	"time"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/test/rig"
	"github.com/salvor-io/salvor/test/stack"
)

// faultsToWrites are, in milliseconds, how long it took from each confirmed fault of the server to the first write about its
// node.
func faultsToWrites(ctx context.Context, r *rig.Rig, s *rig.Server) ([]float64, error) {
	list, err := s.Incidents(ctx)
	if err != nil {
		return nil, err
	}
	log, err := r.Stack.AuditLog()
	if err != nil {
		return nil, err
	}
	var waits []float64
	for _, i := range list {
		inc, err := s.Incident(ctx, string(i.ID))
		if err != nil {
			return nil, err
		}
		confirmed, ok := confirmedAt(inc.History)
		if !ok {
			return nil, fmt.Errorf("incident %s about %s was never confirmed", inc.Name, inc.Anchor)
		}
		write, ok := firstWrite(log, inc.Anchor, confirmed)
		if !ok {
			return nil, fmt.Errorf("nothing was written about %s after its fault was confirmed: %s, %s", inc.Anchor, inc.State, inc.Why)
		}
		waits = append(waits, inMillis(write.Sub(confirmed)))
	}
	return waits, nil
}

// confirmedAt is when the first confirmation was stored.
func confirmedAt(history []api.Record) (time.Time, bool) {
	for _, rec := range history {
		if rec.Kind == incident.Confirmed {
			return rec.StoredAt, true
		}
	}
	return time.Time{}, false
}

// firstWrite is when the API server got Salvor's first write about a node after a moment. Lines of the log are in the order
// in which writes were finished.
func firstWrite(log []stack.AuditEvent, anchor string, after time.Time) (time.Time, bool) {
	var first time.Time
	for _, ev := range log {
		about := ev.Resource == "nodes" && "node/"+ev.Name == anchor && ev.User == stack.Actor
		if about && !ev.Time.Before(after) && (first.IsZero() || ev.Time.Before(first)) {
			first = ev.Time
		}
	}
	return first, !first.IsZero()
}
