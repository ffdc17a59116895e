package recovery

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/pipeline"
	"github.com/salvor-io/salvor/policies"
)

// onlyLocked says that nothing holds a plan back but what other incidents hold.
func onlyLocked(d policies.Decision) bool {
	return len(d.Held) > 0 && !slices.ContainsFunc(d.Held, func(r policies.Reason) bool { return r.Rule != "lock" })
}

// takeOver lets incidents of single nodes give up what they hold to that of the zone which explains them, as long as nobody works on it: one
// that waits for its node to return would else hold the zone back for as long as the zone is lost. It says whether any did.
func (e *Engine) takeOver(ctx context.Context, inc *incident.Incident) (bool, error) {
	if inc.Fault.Kind != classifiers.KindZone {
		return false, nil
	}
	budget, err := e.Ledger.Budget(ctx)
	if err != nil {
		return false, fmt.Errorf("read what is in flight: %w", err)
	}
	any := false
	for _, held := range budget.Without(inc.ID).Holdings {
		if held.Cluster != inc.Key.Cluster {
			continue
		}
		yielded, err := e.yields(ctx, inc, held.Incident)
		if err != nil {
			return any, err
		}
		any = any || yielded
	}
	return any, nil
}

// gaveWay is said of a plan for one node that its zone overtook.
const gaveWay = "the rest of the plan is left to what is done about the whole zone: "

// givesWay says that the plan of a node has been held for the retry time because its zone is lost. It would wait for the end of that, whose plan
// waits for what this one holds.
func (e *Engine) givesWay(inc *incident.Incident, look pipeline.Look, by *obstacle) bool {
	seen := look.Sight.Finding
	if seen == nil || seen.Under == nil || seen.Under.Kind != classifiers.KindZone || by.asked == nil || !slices.ContainsFunc(by.asked.Decision.Held, isWider) {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.held[inc.ID]
	return now.rule == by.rule && e.Clock.Now().Sub(now.since) >= e.Terms.Retry
}

// yields lets one incident give up what it holds, if the zone of another explains it and it is not worked on.
func (e *Engine) yields(ctx context.Context, to *incident.Incident, id incident.ID) (bool, error) {
	narrow, err := e.Ledger.Load(ctx, id)
	if err != nil {
		return false, fmt.Errorf("look at incident %s, which holds what %s needs: %w", id.Name(), to.Name(), err)
	}
	zones := narrow.Fault.Scope.Zones
	outside := len(zones) == 0 || slices.ContainsFunc(zones, func(zone string) bool { return !slices.Contains(to.Fault.Scope.Zones, zone) })
	if outside || narrow.Fault.Kind != classifiers.KindNode || narrow.Working() || !narrow.Live() {
		return false, nil
	}
	rec := incident.Record{Kind: incident.Noted, At: e.Clock.Now().UTC(), ViewSeq: narrow.ViewSeq,
		Text: fmt.Sprintf("gives up what it holds to %s, which is about all of %s", to.Name(), to.Fault.Anchor)}
	_, err = e.Ledger.AppendYielding(ctx, narrow, rec)
	if errors.Is(err, ledger.ErrLost) {
		return false, nil // somebody moved it, and may work on it by now
	}
	return err == nil, err
}
