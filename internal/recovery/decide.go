package recovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/pipeline"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// candidate is one runbook worked out, with policy's answer.
type candidate struct {
	plan   *responders.Plan
	asked  policies.Question
	answer policies.Decision
	beside []any    // Stored of the other runbooks that policy was asked about
	agreed bool     // policy asks, and people have approved
	broken bool     // there is no policy, and two people let the plan run
	worse  []string // what goes beyond the plan that they were asked about last
}

// Stored is a decision as it is kept: the whole input and the answer, so that it can be replayed.
type Stored struct {
	Question policies.Question `json:"question"`
	Decision policies.Decision `json:"decision"`
	Declarer string            `json:"-"` // who declared the fault, to an identity provider that knows them; of an authorize
}

// decide works out the plans there are, in order, asks policy about each, and records the first that may run, with what it
// takes, or else the best answer there was.
func (e *Engine) decide(ctx context.Context, inc *incident.Incident, look pipeline.Look, phase incident.Phase) error {
	if left := e.lands(inc); phase == incident.PhaseUndo && left > 0 {
		return e.wake(ctx, inc, left)
	}
	best, err := e.bestNow(ctx, inc, look, phase)
	if err != nil {
		return err
	}
	best.agreed = inc.Agreed(phase, best.plan, best.answer, look.Sight.Now)
	if best.broken = inc.MayBreak(phase, best.plan, best.answer, look.Sight.Now); best.broken {
		e.Log.Error("BROKEN GLASS: a plan runs without policy, since two people say so", "incident", inc.Name(), "plan", best.plan.ShortDigest(),
			"first", inc.Glass.By[0].Person, "second", inc.Glass.By[1].Person)
	}
	if phase == incident.PhaseRecover && !best.agreed {
		best.worse = worseThanAsked(inc, best)
	}
	if !best.starts() && e.passes(inc.ID, best) {
		return e.again(ctx, inc)
	}
	if tooOften(inc, best) {
		return e.append(ctx, inc, look, incident.Record{Kind: incident.Handed, Detail: best.worse,
			Text: fmt.Sprintf("people were asked %d times, and it got worse again: a person has to go on", inc.Rounds)})
	}
	if phase == incident.PhaseRecover && refused(inc, best, look.Sight.Now) {
		if inc.State == incident.Held || inc.State == incident.Deciding {
			return e.append(ctx, inc, look, incident.Record{Kind: incident.Handed, Text: "what is left to do was refused: a person has to go on"})
		}
		return e.rests(ctx, inc, look)
	}
	if e.sameAsBefore(inc, phase, best, look.Sight.Now) {
		return e.rests(ctx, inc, look)
	}
	return e.decided(ctx, inc, look, phase, best)
}

// bestNow is the best plan there is, after incidents that a wider one explains have given up what alone held that back.
func (e *Engine) bestNow(ctx context.Context, inc *incident.Incident, look pipeline.Look, phase incident.Phase) (candidate, error) {
	runs := func(c candidate) bool {
		return c.answer.Verdict == policies.Act || inc.Agreed(phase, c.plan, c.answer, look.Sight.Now)
	}
	plans := drafts{}
	best, err := e.judged(ctx, func(now standing) candidate { return e.bestOf(ctx, inc, look, phase, plans, now) }, runs)
	if err != nil || phase != incident.PhaseRecover || !onlyLocked(best.answer) {
		return best, err
	}
	if took, err := e.takeOver(ctx, inc); err != nil || !took {
		return best, err
	}
	return e.judged(ctx, func(now standing) candidate { return e.bestOf(ctx, inc, look, phase, drafts{}, now) }, runs)
}

// rests leaves an incident as it is until it is looked at again, but for what nobody works with.
func (e *Engine) rests(ctx context.Context, inc *incident.Incident, look pipeline.Look) error {
	e.remember(inc.ID, look)
	if e.holds(inc.ID) {
		if err := e.append(ctx, inc, look, incident.Record{Kind: incident.Noted, Text: ledger.GivenUp}); err != nil {
			return err
		}
	}
	return e.again(ctx, inc)
}

// decided records an answer. One that lets a plan run takes what the plan needs beside that: where another incident was faster,
// nothing is recorded, and the next look sees what that one took.
func (e *Engine) decided(ctx context.Context, inc *incident.Incident, look pipeline.Look, phase incident.Phase, c candidate) error {
	rec := incident.Record{Kind: incident.Decided, At: look.Sight.Now, ViewSeq: look.Seq, Text: saying(c.answer),
		Decided: &incident.Decision{Phase: phase, Answer: c.answer, Plan: c.plan, Agreed: c.agreed, Broken: c.broken, Worse: c.worse}}
	var claim *ledger.Claim
	if c.starts() {
		claim = e.claim(inc, c.plan, phase, c.asked)
	}
	asked, err := e.keepDecision(ctx, inc, c, claim)
	if why := outdone(err); why != nil {
		e.Log.Info("a plan that may run waits", "incident", inc.Name(), "why", why)
		return e.again(ctx, inc)
	}
	if err != nil {
		return err
	}
	if rec.Decided.Asked, rec.Decided.Beside = asked[0], asked[1:]; claim == nil {
		return e.append(ctx, inc, look, rec)
	}
	if _, err := e.Ledger.AppendClaimed(ctx, inc, rec); err != nil {
		return fmt.Errorf("record the decision for %s: %w", inc.Name(), err)
	}
	e.recorded(inc, rec)
	return nil
}

// keepDecision stores what policy was asked and said, of the plan that was decided upon first, and takes what that needs.
func (e *Engine) keepDecision(ctx context.Context, inc *incident.Incident, c candidate, claim *ledger.Claim) ([]incident.Asked, error) {
	var beside []incident.Asked
	if len(c.beside) > 0 { // nothing waits for that where one plan is enough
		var err error
		if beside, err = e.Ledger.Keep(ctx, inc, c.beside...); err != nil {
			return nil, err
		}
	}
	asked, err := e.Ledger.Decide(ctx, inc, Stored{Question: c.asked, Decision: c.answer}, claim)
	return append([]incident.Asked{asked}, beside...), err
}

// outdone is why a claim was not to be had, nil when err is of another kind.
func outdone(err error) error {
	var taken *ledger.TargetHeldError
	if errors.As(err, &taken) || errors.Is(err, ledger.ErrOverBudget) {
		return err
	}
	return nil
}

// drafts are the plans that were worked out for one decision, by runbook: what is asked about again is not worked out again.
type drafts map[string]draft

type draft struct {
	plan responders.Plan
	err  error
}

func (d drafts) of(runbook string, workOut func() (responders.Plan, error)) (responders.Plan, error) {
	known, ok := d[runbook]
	if !ok {
		known.plan, known.err = workOut()
		d[runbook] = known
	}
	return known.plan, known.err
}

func (e *Engine) bestOf(ctx context.Context, inc *incident.Incident, look pipeline.Look, phase incident.Phase, plans drafts, now standing) candidate {
	var best *candidate
	var asked []candidate
	var troubles []string
	for rung, runbook := range e.ladder(asSeen(inc, look, phase), phase) {
		plan, err := plans.of(runbook, func() (responders.Plan, error) {
			return e.Planner.Plan(ctx, runbook, phase, asSeen(inc, look, phase), e.env(inc, look))
		})
		if err != nil {
			troubles = append(troubles, fmt.Sprintf("runbook %s: %v", runbook, err))
			continue
		}
		if rung > 0 && inc.Attempts > 0 && nothingLeft(plan) {
			continue
		}
		next := e.ask(ctx, e.question(inc, look, phase, &plan, now), &plan)
		asked = append(asked, next)
		if best == nil || next.better(*best) {
			best = &next
		}
		if next.answer.Verdict == policies.Act {
			break
		}
	}
	if best == nil {
		return planless(e.question(inc, look, phase, nil, now), troubles)
	}
	for _, other := range asked {
		if other.plan.Digest != best.plan.Digest {
			best.beside = append(best.beside, Stored{Question: other.asked, Decision: other.answer})
		}
	}
	return *best
}

// asSeen is the incident with its fault as it is seen now: since it was opened more nodes of a zone may have been lost, and others be gone.
// What is taken back was done about the fault as it was then.
func asSeen(inc *incident.Incident, look pipeline.Look, phase incident.Phase) *incident.Incident {
	if phase != incident.PhaseRecover || look.Sight.Finding == nil {
		return inc
	}
	now := *inc
	now.Fault = look.Sight.Finding.Fault
	return &now
}

// starts says that the plan may run.
func (c candidate) starts() bool { return c.answer.Verdict == policies.Act || c.agreed || c.broken }

// better says whether a candidate may do more than another: now, or if nothing but the mode and the brakes let it.
func (c candidate) better(than candidate) bool {
	return cmp.Or(cmp.Compare(c.answer.Verdict, than.answer.Verdict), cmp.Compare(c.answer.Would, than.answer.Would)) > 0
}

// halfSeen says that a watch that tells of such faults does not see now.
func (c candidate) halfSeen() bool {
	return slices.ContainsFunc(classifiers.Watches(classifiers.Kind(c.asked.Fault.Kind)), func(watch string) bool {
		return slices.Contains(c.asked.View.Blind, watch)
	})
}

// ladder names the runbooks to try. What is taken back is what was done: the runbook of the last plan that ran and has a way back.
func (e *Engine) ladder(inc *incident.Incident, phase incident.Phase) []string {
	if phase == incident.PhaseRecover {
		if inc.Fault.Storms() {
			return nil // the observer is suspected
		}
		return e.meant(inc)
	}
	for _, rec := range slices.Backward(inc.History) {
		if d := rec.Decided; d != nil && d.Phase == incident.PhaseRecover && d.Starts() && !d.Plan.Lasts {
			return []string{d.Plan.Runbook}
		}
	}
	return nil
}

// meant are the runbooks that may be tried: those for the fault, or of all for faults of its kind the one that a person wants to run.
func (e *Engine) meant(inc *incident.Incident) []string {
	only := ""
	e.Sights.Ask(func(v *classifiers.View) {
		if c, ok := v.Clusters[inc.Key.Cluster]; ok {
			if d, said := c.LastDeclared(inc.Fault.Kind, inc.Fault.Anchor); said && d.Stands(v.Now) {
				only = d.Runbook
			}
		}
	})
	if only == "" {
		return e.Planner.About(inc.Fault)
	}
	return slices.DeleteFunc(slices.Clone(e.Planner.Runbooks(inc.Fault.Kind)), func(name string) bool { return name != only })
}

// planless is the answer when no plan could be made: nothing may be done, and why is said.
func planless(q policies.Question, troubles []string) candidate {
	why := "no runbook speaks about faults of kind " + q.Fault.Kind + ": a person has to recover this"
	if q.Fault.Cause != "" {
		why = "no runbook speaks about faults of kind " + q.Fault.Kind + ", cause " + q.Fault.Cause + ": a person has to recover this"
	}
	switch {
	case q.Fault.Kind == string(classifiers.KindNode) && strings.HasPrefix(q.Fault.Anchor, classifiers.AnchorCluster+"/"):
		why = "the observer is suspected, and no runbook repairs many nodes at once: a person has to look"
	case len(troubles) > 0:
		why = "no plan could be made: " + strings.Join(troubles, "; ")
	}
	held := policies.Reason{Text: why, Rule: "runbook"}
	if at := slices.IndexFunc(policies.Brakes(q), isWider); at >= 0 {
		held = policies.Brakes(q)[at]
	}
	return candidate{asked: q, answer: policies.Decision{Verdict: policies.Deny, Would: policies.Deny, Reasons: []policies.Reason{}, Held: []policies.Reason{held}}}
}

// isWider says that the reason is a wider fault, which says more than that no runbook is there for the narrower.
func isWider(r policies.Reason) bool { return r.Rule == "wider fault" }

// ask puts a question to policy. When it cannot be asked, the answer says so and denies.
func (e *Engine) ask(ctx context.Context, q policies.Question, plan *responders.Plan) candidate {
	answer, err := e.Decider.Decide(ctx, q)
	if err != nil {
		e.Log.Error("policy could not be asked", "incident", q.Incident.ID, "error", err)
	}
	return candidate{plan: plan, asked: q, answer: answer}
}

func nothingLeft(plan responders.Plan) bool {
	return !slices.ContainsFunc(plan.Steps, func(s responders.Step) bool { return !s.Change.Nothing })
}

// sameAsBefore says that the answer adds nothing to the last one recorded, so that waiting leaves no trail of equal records.
func (e *Engine) sameAsBefore(inc *incident.Incident, phase incident.Phase, c candidate, now time.Time) bool {
	if phase == incident.PhaseRecover && asked(inc, c) {
		return true
	}
	last := inc.Decision
	if last == nil || last.Phase != phase || last.Agreed || inc.State == incident.Deciding || c.starts() {
		return false
	}
	if phase == incident.PhaseRecover && c.answer.Verdict == policies.Ask {
		return false // they are not asked that yet
	}
	return last.Answer.Verdict == c.answer.Verdict && sameReasons(last.Answer.Held, c.answer.Held) &&
		sameReasons(last.Answer.Reasons, c.answer.Reasons) && (digestOf(last.Plan) == digestOf(c.plan) || toldLately(inc, c, now))
}

// longestUntold bounds how old the plan is that an incident shows while it is held back.
const longestUntold = 30 * time.Minute

// toldLately says that a plan that has changed while it is held back is not worth a record yet. No two plans for a zone that lives are the same: the
// first changes are told at once, later ones ever less often. One that is worse is told at once where people can let it run without policy.
func toldLately(inc *incident.Incident, c candidate, now time.Time) bool {
	last := inc.Decision
	if c.plan == nil || last.Plan == nil || c.answer.Missing() && len(incident.Worse(c.plan, last.Plan)) > 0 {
		return false
	}
	return now.Sub(inc.DecidedAt()) < min(longestUntold, now.Sub(inc.Since)/4)
}

// sameReasons compares by rule: the numbers in the sentences move with time.
func sameReasons(a, b []policies.Reason) bool {
	return slices.EqualFunc(a, b, func(x, y policies.Reason) bool { return x.Rule == y.Rule })
}

func digestOf(p *responders.Plan) string {
	if p == nil {
		return ""
	}
	return p.Digest
}

func (e *Engine) remember(id incident.ID, look pipeline.Look) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.looked[id] = look.Sight.Now
}

// saying is the decision in one sentence.
func saying(d policies.Decision) string {
	all := slices.Concat(d.Held, d.Reasons)
	texts := make([]string, 0, len(all))
	for _, r := range all {
		texts = append(texts, r.Text)
	}
	return fmt.Sprintf("%s: %s", d.Verdict, strings.Join(texts, "; "))
}

func (e *Engine) env(inc *incident.Incident, look pipeline.Look) responders.Env {
	seen := asSeen(inc, look, incident.PhaseRecover).Fault
	broken := earlier(earlier(inc.Fault.Since, seen.Since), earlier(inc.Fault.Broken, seen.Broken))
	return responders.Env{Cluster: inc.Key.Cluster, Incident: string(inc.ID), Now: look.Sight.Now, Lost: seen.Scope.Nodes, Broken: broken,
		Promises: e.Promises.Within(inc.Key.Cluster)}
}

// earlier is the earlier of two times that are known: a fault that is seen anew may be said to have begun since.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
