package recovery

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/pipeline"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// standing is what the ledger says that holds for all incidents.
type standing struct {
	pauses []policies.Pause
	budget ledger.Budget
	at     time.Time // when both were read, by the clock
}

// standsFor is how long what was read may serve the next decision or gate. Nothing unsafe comes of that: a claim made on an old
// budget is judged again by the one of then, and pauses are read again right before each write to the world.
const standsFor = 100 * time.Millisecond

// stands is what holds now, read at most standsFor ago, with what this process has claimed and released since.
func (e *Engine) stands(ctx context.Context) (standing, error) {
	e.mu.Lock()
	s := e.stood
	e.mu.Unlock()
	if age := e.Clock.Now().Sub(s.at); age >= 0 && age < standsFor {
		s.budget = e.Ledger.KnownBudget()
		return s, nil
	}
	return e.standsAnew(ctx)
}

// standsAnew waits for both answers at once: each costs a round trip to the store.
func (e *Engine) standsAnew(ctx context.Context) (standing, error) {
	s := standing{at: e.Clock.Now()}
	var group errgroup.Group
	group.Go(func() (err error) {
		if s.pauses, err = e.Ledger.Pauses(ctx); err != nil {
			return fmt.Errorf("read the pauses: %w", err)
		}
		return nil
	})
	group.Go(func() (err error) {
		if s.budget, err = e.Ledger.Budget(ctx); err != nil {
			return fmt.Errorf("read what is in flight: %w", err)
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return standing{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stood = s
	return s, nil
}

// judged is policy's answer by what was read last, and where that does not let the plan run, by what holds now: what is found held
// waits for the retry time.
func (e *Engine) judged(ctx context.Context, ask func(standing) candidate, runs func(candidate) bool) (candidate, error) {
	began := e.Clock.Now()
	now, err := e.stands(ctx)
	if err != nil {
		return candidate{}, err
	}
	c := ask(now)
	if runs(c) || !now.at.Before(began) {
		return c, nil
	}
	if now, err = e.standsAnew(ctx); err != nil {
		return candidate{}, err
	}
	return ask(now), nil
}

// question gathers all that is known for one decision about a plan, but for credentials in what others wrote.
func (e *Engine) question(inc *incident.Incident, look pipeline.Look, phase incident.Phase, plan *responders.Plan, now standing) policies.Question {
	cluster := e.Clusters[inc.Key.Cluster]
	q := policies.Question{
		Schema: policies.InputVersion, About: policies.AboutDecision, Now: look.Sight.Now,
		Cluster:  policies.ClusterFacts{Name: inc.Key.Cluster, Environment: cluster.Environment, Region: cluster.Region},
		Incident: policies.IncidentFacts{ID: string(inc.ID), OpenedAt: inc.OpenedAt, Count: inc.Count},
		Fault:    faultFacts(inc, look), Plan: proposal(plan, phase, look.Sight.Now), History: e.history(inc, look),
		Limits: e.Limits, InFlight: inFlight(inc, plan, now.budget), Mode: cluster.Modes[inc.Fault.Kind],
		Pauses: nonNil(now.pauses), Person: policies.Person{Groups: []string{}}, Unknown: []string{},
	}
	q.Protection = e.promised(q)
	e.Sights.Ask(func(v *classifiers.View) { e.surroundings(&q, v, inc) })
	e.others(&q)
	return policies.Masked(q)
}

func proposal(plan *responders.Plan, phase incident.Phase, now time.Time) policies.Proposal {
	if plan == nil {
		return policies.Proposal{Phase: string(phase), Targets: []policies.Target{}, Steps: []policies.ProposedStep{}, Warnings: []string{}}
	}
	p := plan.Proposal()
	p.Phase = string(phase)
	if point := plan.Point(); point != nil {
		p.RecoveryPoint.AgeS = now.Sub(point.At).Seconds()
	}
	return p
}

func faultFacts(inc *incident.Incident, look pipeline.Look) policies.FaultFacts {
	f := inc.Fault
	if look.Sight.Finding != nil {
		f = look.Sight.Finding.Fault
	}
	agree, asked := f.Agreement()
	facts := policies.FaultFacts{Kind: string(f.Kind), Cause: string(f.Cause), Anchor: f.Anchor.String(), Sentence: f.Sentence,
		Nodes: nonNil(f.Scope.Nodes), Zones: nonNil(f.Scope.Zones), Regions: nonNil(f.Scope.Regions), Namespaces: nonNil(f.Scope.Namespaces),
		Agree: agree, Asked: asked, Signals: map[string]policies.SignalFacts{}, AgeS: look.Sight.Now.Sub(f.Since).Seconds(), Single: f.SingleSourced()}
	if look.Sight.Finding != nil && look.Sight.Finding.Under != nil {
		facts.Under = look.Sight.Finding.Under.Anchor.String()
	}
	for _, s := range f.Signals {
		facts.Signals[s.Name] = policies.SignalFacts{Asked: s.Asked, Agrees: s.Agrees}
	}
	return facts
}

func (e *Engine) history(inc *incident.Incident, look pipeline.Look) policies.History {
	h := policies.History{Attempts: inc.Attempts, Before: inc.Attempts, Failed: inc.Failures, Tried: tried(inc), LastOutcome: string(inc.Outcome), LastReason: stopCause(inc)}
	if !inc.LastTry.IsZero() {
		h.SinceLastS = look.Sight.Now.Sub(inc.LastTry).Seconds()
	}
	h.Incidents24h = e.Sights.OpenedSince(inc.Key, look.Sight.Now.Add(-24*time.Hour))
	return h
}

// tried names the runbooks whose plans were started.
func tried(inc *incident.Incident) []string {
	names := []string{}
	for _, rec := range inc.History {
		if d := rec.Decided; d != nil && d.Phase == incident.PhaseRecover && d.Starts() && d.Plan != nil {
			names = append(names, d.Plan.Runbook)
		}
	}
	return names
}

// stopCause is what was said when the last plan stopped, empty where none has.
func stopCause(inc *incident.Incident) string {
	for _, rec := range slices.Backward(inc.History) {
		if rec.Kind == incident.Failed || rec.Kind == incident.Checked || rec.Kind == incident.Halted {
			return rec.Text
		}
	}
	return ""
}

// inFlight is what other incidents hold.
func inFlight(inc *incident.Incident, plan *responders.Plan, budget ledger.Budget) policies.InFlight {
	var targets []policies.Target
	if plan != nil {
		targets = held(plan)
	}
	return budget.Without(inc.ID).InFlight(inc.Key.Cluster, targets)
}

// maxAtWork bounds whom a question names: of a zone, hundreds of nodes may be somebody's.
const maxAtWork = 50

// surroundings adds what the view says about the cluster.
func (e *Engine) surroundings(q *policies.Question, v *classifiers.View, inc *incident.Incident) {
	q.View = policies.ViewFacts{Zones: map[string]policies.Zone{}, ControlNodes: []string{}, AtWork: []policies.AtWork{},
		Observers: []policies.ObserverFacts{}, Repairers: []string{}, Blind: []string{}, AgeS: max(0, e.Clock.Now().Sub(v.Now).Seconds())}
	c, ok := v.Clusters[q.Cluster.Name]
	if !ok {
		q.Unknown = policies.Uncertain()
		return
	}
	watches := classifiers.Watches(inc.Fault.Kind)
	unseen(q, v, c, watches)
	if d, said := c.LastDeclared(inc.Fault.Kind, inc.Fault.Anchor); said && d.Stands(v.Now) {
		q.Incident.Declared = d.By
	}
	nodes := censusFor(q.Plan)
	for _, n := range c.Nodes { // in no order: there may be thousands
		if !n.Gone {
			nodes.count(n)
		}
	}
	nodes.tell(&q.View, &q.Plan)
	q.View.LostTogether, q.View.LostOf = v.LostWith(c, q.Fault.Nodes, e.StormSpan)
	for _, name := range slices.Sorted(slices.Values(inc.Fault.Scope.Nodes)) {
		if n := c.Nodes[name]; n != nil && !n.Gone {
			q.View.AtWork = append(q.View.AtWork, atWork(n)...)
			q.View.AtWork = append(q.View.AtWork, silencers(v, c.Name, n)...)
		}
	}
	if more := len(q.View.AtWork) - maxAtWork; more > 0 {
		q.View.AtWork = append(q.View.AtWork[:maxAtWork:maxAtWork], policies.AtWork{Who: "others", What: fmt.Sprintf("%d more", more), Target: inc.Fault.Anchor.String()})
	}
	for _, name := range slices.Sorted(maps.Keys(c.Observers)) {
		o := c.Observers[name]
		if !slices.Contains(watches, o.Watch) {
			continue
		}
		q.View.Observers = append(q.View.Observers, policies.ObserverFacts{Name: name, Seeing: o.Seeing, AgeS: v.Now.Sub(o.At).Seconds()})
	}
}

func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
