package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/responders"
)

// silence is the event that the next node's Lease went stale.
func (w *workshop) silence() (events.Event, error) {
	w.lost++
	return w.lease(w.lost, events.LeaseStale)
}

// lease is the event that the Lease of the nth node, counted round and round, came into a state.
func (w *workshop) lease(n int, state events.LeaseState) (events.Event, error) {
	w.version++
	version, number := strconv.Itoa(w.version), strconv.Itoa((n-1)%workshopNodes+1)
	return w.event("lease/"+version, events.TypeLease, "node/worker-"+number,
		events.Lease{Node: "worker-" + number, UID: "lease-" + number, ResourceVersion: version, State: state})
}

// toEffect appends the event and says how long it took until the step was applied.
func (w *workshop) toEffect(ctx context.Context, ev events.Event) (time.Duration, error) {
	began := time.Now()
	if _, err := w.log.Append(ctx, ev); err != nil {
		return 0, err
	}
	select {
	case at := <-w.effects:
		return at.Sub(began), nil
	case <-time.After(patience):
		return 0, fmt.Errorf("no effect within %s", patience)
	}
}

// mend lets the node renew its Lease once the recovery is verified, and waits until all is taken back and the incident has
// ended, so that the next silence is a new fault.
func (w *workshop) mend(ctx context.Context) error {
	if err := w.recorded(incident.Checked); err != nil {
		return err
	}
	if err := w.renew(ctx, w.lost, w.lost); err != nil {
		return err
	}
	if err := w.recorded(incident.Closed); err != nil {
		return err
	}
	select {
	case <-w.effects: // of taking it back
		return nil
	case <-time.After(patience):
		return fmt.Errorf("nothing was taken back within %s", patience)
	}
}

func (w *workshop) recorded(kind incident.RecordKind) error {
	late := time.After(patience)
	for {
		select {
		case rec := <-w.records:
			if rec.Kind == kind {
				if kind == incident.Checked && rec.Outcome != responders.OutcomeVerified {
					return fmt.Errorf("the outcome is %s: %v", rec.Outcome, rec.Detail)
				}
				return nil
			}
		case <-late:
			return fmt.Errorf("no %s record within %s", kind, patience)
		}
	}
}

// renew shows that the Leases of some nodes, from the nth to the mth, are renewed, and that the observers see.
func (w *workshop) renew(ctx context.Context, n, m int) error {
	var all []events.Event
	for _, watch := range []string{"nodes", "leases"} {
		ev, err := w.event("observer/"+watch+"/"+strconv.Itoa(w.version), events.TypeObserver, "observer/"+watch, events.Observer{Replica: "bench", Watch: watch, Seeing: true, Synced: true})
		if err != nil {
			return err
		}
		all = append(all, ev)
	}
	for i := n; i <= m; i++ {
		ev, err := w.lease(i, events.LeaseFresh)
		if err != nil {
			return err
		}
		all = append(all, ev)
	}
	if _, err := w.log.Append(ctx, all...); err != nil {
		return fmt.Errorf("renew the lease: %w", err)
	}
	return nil
}
