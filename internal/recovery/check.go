package recovery

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/pipeline"
	"github.com/salvor-io/salvor/responders"
)

// check runs the checks of the plan until they all hold through their settle windows or their deadlines have passed, and
// records the outcome. It only reads; after a death it begins again.
func (e *Engine) check(ctx context.Context, inc *incident.Incident, look pipeline.Look) error {
	lasting, ended := e.interruptible(ctx, inc)
	defer ended()
	worst := responders.Finding{Outcome: responders.OutcomeVerified}
	spent := look.Sight.Now.Sub(inc.Since)
	for _, check := range inc.Plan.Checks {
		found, err := e.settle(lasting, inc, look, check, spent)
		if err != nil {
			return err
		}
		worst = worse(worst, found)
	}
	rec := incident.Record{Kind: incident.Checked, Outcome: worst.Outcome, Detail: worst.Detail,
		Text: fmt.Sprintf("%d checks of plan %s", len(inc.Plan.Checks), inc.Plan.ShortDigest())}
	return e.append(ctx, inc, e.fresh(inc, look), rec)
}

// settle asks one check until it has held without a break for its settle window. An error means that this process stops.
func (e *Engine) settle(ctx context.Context, inc *incident.Incident, look pipeline.Look, check responders.Check, spent time.Duration) (responders.Finding, error) {
	responder, err := e.Catalog.Lookup(check.Change.Responder)
	if err != nil {
		return responders.Finding{Outcome: responders.OutcomeUnknown, Detail: []string{err.Error()}}, nil
	}
	left := max(seconds(check.SettleS)+time.Second, seconds(check.DeadlineS)-spent)
	bounded, cancel := e.Clock.WithTimeout(ctx, left)
	defer cancel()
	env := responders.Env{Cluster: inc.Key.Cluster, Incident: string(inc.ID), Plan: inc.Plan.Digest, Step: check.Name, Now: look.Sight.Now}
	found := e.watchCheck(bounded, responder, env, check)
	return found, cmp.Or(interrupted(ctx), ctx.Err())
}

// watchCheck returns a verified finding once the check has held long enough, and what was last found when ctx ends.
func (e *Engine) watchCheck(ctx context.Context, r responders.Responder, env responders.Env, check responders.Check) responders.Finding {
	last := responders.Finding{Outcome: responders.OutcomeUnknown, Detail: []string{"the world was not asked in time"}}
	var since time.Time
	for {
		found, err := r.Verify(ctx, env, check.Change)
		switch {
		case err != nil && ctx.Err() != nil:
			return unsettled(last)
		case err != nil:
			last, since = responders.Finding{Outcome: responders.OutcomeUnknown, Detail: []string{err.Error()}}, time.Time{}
		case found.Outcome != responders.OutcomeVerified:
			last, since = found, time.Time{}
		default:
			last = found
			if since.IsZero() {
				since = e.Clock.Now()
			}
			if e.Clock.Now().Sub(since) >= seconds(check.SettleS) {
				return found
			}
		}
		if !e.Clock.Sleep(ctx, time.Second) {
			return unsettled(last)
		}
	}
}

// unsettled keeps a check that held only for a moment from counting as verified.
func unsettled(last responders.Finding) responders.Finding {
	if last.Outcome == responders.OutcomeVerified {
		last.Outcome = responders.OutcomeNotVerified
		last.Detail = append([]string{"it did not hold through the settle window"}, last.Detail...)
	}
	return last
}

// worse is the graver of two findings, with what both saw where they are equal.
func worse(a, b responders.Finding) responders.Finding {
	order := []responders.Outcome{responders.OutcomeVerified, responders.OutcomePartly, responders.OutcomeNotVerified, responders.OutcomeUnknown}
	x, y := slices.Index(order, a.Outcome), slices.Index(order, b.Outcome)
	switch {
	case x == y:
		a.Detail = append(slices.Clone(a.Detail), b.Detail...)
		return a
	case x > y:
		return a
	}
	return b
}
