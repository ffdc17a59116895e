package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/test/rig"
	"github.com/salvor-io/salvor/test/stack"
)

// wait is how long it took, in milliseconds, from a confirmed fault to what came after it.
type wait struct{ decided, intended, wrote float64 }

// faultsToWrites are the waits of all faults of the server, to the first write about their node.
func faultsToWrites(ctx context.Context, r *rig.Rig, s *rig.Server) ([]wait, error) {
	list, err := s.Incidents(ctx)
	if err != nil {
		return nil, err
	}
	log, err := r.Stack.AuditLog()
	if err != nil {
		return nil, err
	}
	var waits []wait
	for _, i := range list {
		inc, err := s.Incident(ctx, string(i.ID))
		if err != nil {
			return nil, err
		}
		w, err := waitOf(inc, log)
		if err != nil {
			return nil, fmt.Errorf("incident %s about %s, which is %s (%s): %w", inc.Name, inc.Anchor, inc.State, inc.Why, err)
		}
		waits = append(waits, w)
	}
	return waits, nil
}

func waitOf(inc api.Incident, log []stack.AuditEvent) (wait, error) {
	confirmed, ok := firstRecord(inc.History, incident.Opened)
	if !ok {
		return wait{}, errors.New("it was never opened")
	}
	wrote, ok := firstWrite(log, inc.Anchor, confirmed)
	if !ok {
		return wait{}, errors.New("nothing was written after it was confirmed")
	}
	decided, was := firstRecord(inc.History, incident.Decided)
	intended, did := firstRecord(inc.History, incident.Intent)
	if !was || !did {
		return wait{}, errors.New("it was written to without a decision and an intent")
	}
	since := func(t time.Time) float64 { return inMillis(t.Sub(confirmed)) }
	return wait{since(decided), since(intended), since(wrote)}, nil
}

// firstRecord is when the first record of a kind was stored.
func firstRecord(history []api.Record, kind incident.RecordKind) (time.Time, bool) {
	for _, rec := range history {
		if rec.Kind == kind {
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
