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

// check runs the checks of the plan side by side until they all hold through their settle windows or their deadlines have passed,
// and records the outcome. It only reads; after a death it begins again. An error means that this process stops, or cannot record.
func (e *Engine) check(ctx context.Context, inc *incident.Incident, look pipeline.Look) error {
	lasting, ended := e.interruptible(ctx, inc)
	defer ended()
	var list []*watched
	for _, check := range inc.Plan.Checks {
		list = append(list, e.watched(inc, look, check))
	}
	e.watch(e.listening(lasting, inc), list)
	if err := cmp.Or(interrupted(lasting), ctx.Err()); err != nil {
		return err
	}
	var all weighing
	for _, w := range list {
		all.add(w.check, w.finding())
	}
	found := all.finding()
	checks := "1 check"
	if n := len(inc.Plan.Checks); n != 1 {
		checks = fmt.Sprintf("%d checks", n)
	}
	rec := incident.Record{Kind: incident.Checked, Outcome: found.Outcome, Detail: found.Detail, Text: checks + " of plan " + inc.Plan.ShortDigest()}
	return e.append(ctx, inc, e.fresh(inc, look), rec)
}

// watched is one check while it is watched.
type watched struct {
	check     responders.Check
	responder responders.Responder
	env       responders.Env
	until     time.Time          // it must have held by then
	last      responders.Finding // what was last found
	since     time.Time          // since when it holds without a break; zero while it does not
	settled   bool               // it held long enough, and still does as far as was looked
	kept      bool               // it settled once within its time: it is asked as long as others are waited for
}

func (e *Engine) watched(inc *incident.Incident, look pipeline.Look, check responders.Check) *watched {
	w := &watched{check: check, last: responders.Finding{Outcome: responders.OutcomeUnknown, Detail: []string{"the world was not asked in time"}},
		env: responders.Env{Cluster: inc.Key.Cluster, Incident: string(inc.ID), Plan: inc.Plan.Digest, Step: check.Name, Now: look.Sight.Now}}
	var err error
	if w.responder, err = e.Catalog.Lookup(check.Change.Responder); err != nil {
		w.last.Detail = []string{err.Error()}
		return w // its time is over: nobody can be asked
	}
	spent := look.Sight.Now.Sub(inc.Since)
	w.until = e.Clock.Now().Add(max(seconds(check.SettleS)+time.Second, seconds(check.DeadlineS)-spent))
	return w
}

// watch asks all checks again and again, until each has held long enough or its time is over. One that held long enough is asked on
// while others are waited for: in the end they must hold together.
func (e *Engine) watch(ctx context.Context, list []*watched) {
	for {
		waits := false
		for _, w := range list {
			waits = e.askOnce(ctx, w) || waits
		}
		if !waits || !e.Clock.Sleep(ctx, time.Second) {
			return
		}
	}
}

// askWithin bounds one question, so that one check that hangs does not keep the others from being asked.
const askWithin = 30 * time.Second

// askOnce asks one check, unless its time is over and it never settled, and says whether it is to be waited for. One that settled is
// asked on when its time is over: what breaks by then is seen, and nobody waits for it to settle again.
func (e *Engine) askOnce(ctx context.Context, w *watched) bool {
	left := w.until.Sub(e.Clock.Now())
	over := left <= 0
	within := min(left, askWithin)
	if over {
		within = askWithin
	}
	if over && !w.kept {
		return false
	}
	bounded, cancel := e.Clock.WithTimeout(ctx, within)
	defer cancel()
	found, err := w.responder.Verify(bounded, w.env, w.check.Change)
	switch {
	case err != nil && bounded.Err() != nil && !over && left <= askWithin:
		return false // its time is over, and what was found before is all that is known
	case err != nil:
		found = responders.Finding{Outcome: responders.OutcomeUnknown, Detail: []string{err.Error()}}
	}
	w.saw(found, e.Clock.Now())
	return !w.settled && !over
}

// saw takes what was found. A break begins the settle window anew.
func (w *watched) saw(found responders.Finding, now time.Time) {
	w.last = found
	switch {
	case found.Outcome != responders.OutcomeVerified:
		w.since = time.Time{}
	case w.since.IsZero():
		w.since = now
	}
	w.settled = !w.since.IsZero() && now.Sub(w.since) >= seconds(w.check.SettleS)
	w.kept = w.kept || w.settled
}

// finding is what the check came to: one that held only for a moment does not count as verified.
func (w *watched) finding() responders.Finding {
	if w.last.Outcome != responders.OutcomeVerified || w.settled {
		return w.last
	}
	return responders.Finding{Outcome: responders.OutcomeNotVerified,
		Detail: append([]string{w.check.Name + " did not hold through its settle window"}, w.last.Detail...)}
}

// weighing makes one finding of those of several checks.
type weighing struct {
	held   bool                 // a check that had something to look at verified all of it
	failed []responders.Finding // what the others came to, in the order of the plan
}

// add weighs one check. One that had nothing to look at says nothing of the rest: where it holds, it counts for nothing.
func (w *weighing) add(check responders.Check, found responders.Finding) {
	switch {
	case found.Outcome != responders.OutcomeVerified:
		w.failed = append(w.failed, found)
	case !check.Change.Nothing:
		w.held = true
	}
}

// finding is verified when all checks are, and unknown when one could not be asked. When some of it is so, such as that all is there
// again while it does not serve, it is partly so. It says what each check saw, the gravest first.
func (w *weighing) finding() responders.Finding {
	if len(w.failed) == 0 {
		return responders.Finding{Outcome: responders.OutcomeVerified}
	}
	slices.SortStableFunc(w.failed, func(a, b responders.Finding) int { return gravity(b.Outcome) - gravity(a.Outcome) })
	out := responders.Finding{Outcome: w.failed[0].Outcome}
	if out.Outcome == responders.OutcomeNotVerified && (w.held || w.failed[len(w.failed)-1].Outcome == responders.OutcomePartly) {
		out.Outcome = responders.OutcomePartly
	}
	for _, found := range w.failed {
		out.Detail = append(out.Detail, found.Detail...)
	}
	return out
}

func gravity(o responders.Outcome) int {
	return slices.Index([]responders.Outcome{responders.OutcomeVerified, responders.OutcomePartly, responders.OutcomeNotVerified, responders.OutcomeUnknown}, o)
}
