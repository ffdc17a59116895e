package recovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/pipeline"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// takeovers bounds how often one step is begun again before it counts as failed.
const takeovers = 5

// step does the next step of the plan in force: gate, intent, effect, result.
func (e *Engine) step(ctx context.Context, inc *incident.Incident, look pipeline.Look) error {
	if look.Sight.Blind {
		return e.hold(ctx, inc, look, sightless())
	}
	gate, held, err := e.gate(ctx, inc, look)
	if err != nil {
		return err
	}
	if held != nil && e.unanswered(inc, held) {
		return e.append(ctx, inc, look, incident.Record{Kind: incident.Handed, Text: nobodyAnswers(held)})
	}
	if held != nil {
		return e.waits(ctx, inc, look, held)
	}
	step := inc.Plan.Steps[inc.Next]
	rec := incident.Record{Kind: incident.Intent, Step: e.refer(inc, step), Text: firstOf(step.Change.Will)}
	err = e.intend(ctx, inc, look, rec, gate)
	if why := outdone(err); why != nil {
		return e.hold(ctx, inc, look, &obstacle{rule: "claim", why: why.Error(), asked: gate})
	}
	if err != nil {
		return err
	}
	return e.carryOut(ctx, inc, look, step)
}

// intend writes the intent that policy let pass, once it has what it takes.
func (e *Engine) intend(ctx context.Context, inc *incident.Incident, look pipeline.Look, rec incident.Record, gate *Stored) error {
	rec.At, rec.ViewSeq = look.Sight.Now, look.Seq
	claim := e.claim(inc, inc.Plan, inc.Phase, gate.Question)
	if _, err := e.Ledger.AppendIntent(ctx, inc, rec, *claim, gate); err != nil {
		return fmt.Errorf("take the targets of %s: %w", inc.Name(), err)
	}
	e.told(inc, rec)
	return nil
}

// resume goes on with a step whose result was never written: by this engine after an interruption, or by another writer
// that was lost. It waits for the deadline of a writer that may still be alive, unless the fault is gone: that ends the plan whoever is at
// work, whose next write the guard refuses, as after a stop.
func (e *Engine) resume(ctx context.Context, inc *incident.Incident, look pipeline.Look) error {
	step := inc.Plan.Steps[inc.Intent.Index]
	if inc.State == incident.Acting && look.Sight.Gone() && !inc.BringsBack() {
		return e.append(ctx, inc, look, incident.Record{Kind: incident.Cleared,
			Text: fmt.Sprintf("not seen any more; step %s was begun and is not gone on with", step.Name)})
	}
	if left := inc.Intent.Deadline.Sub(e.Clock.Now()); left > 0 && !e.mayTakeOver(inc.Intent) {
		return e.wake(ctx, inc, left+time.Second)
	}
	if look.Sight.Blind {
		return e.hold(ctx, inc, look, sightless())
	}
	if begun(inc) > takeovers {
		return e.result(ctx, inc, look, incident.Record{Kind: incident.Failed,
			Text: fmt.Sprintf("step %s was begun %d times and never ended", step.Name, begun(inc))})
	}
	gate, held, err := e.gate(ctx, inc, look)
	if err != nil {
		return err
	}
	if held != nil && e.unanswered(inc, held) {
		return e.result(ctx, inc, look, incident.Record{Kind: incident.Failed, Text: nobodyAnswers(held)})
	}
	if held != nil {
		return e.waits(ctx, inc, look, held)
	}
	if e.heldAtWrite(inc.ID) {
		return e.again(ctx, inc)
	}
	rec := incident.Record{Kind: incident.TookOver, Step: e.refer(inc, step), Text: "goes on with step " + step.Name + "; its writer was lost or held"}
	if err := e.appendAsked(ctx, inc, look, rec, gate); err != nil {
		return err
	}
	return e.carryOut(ctx, inc, look, step)
}

// appendAsked writes a record that leads to no other state, as append does, and what policy was asked before it.
func (e *Engine) appendAsked(ctx context.Context, inc *incident.Incident, look pipeline.Look, rec incident.Record, gate *Stored) error {
	rec.At, rec.ViewSeq = look.Sight.Now, look.Seq
	if _, err := e.Ledger.AppendAsked(ctx, inc, rec, gate); err != nil {
		return fmt.Errorf("record %s of %s: %w", rec.Kind, inc.Name(), err)
	}
	e.recorded(inc, rec)
	return nil
}

// mayTakeOver says that the writer of an intent cannot be at work any more: it is this engine (turns are exclusive), or no
// other process can share the store.
func (e *Engine) mayTakeOver(open *incident.Open) bool { return e.Alone || open.Writer == e.Replica }

// begun counts how often the open step was begun.
func begun(inc *incident.Incident) int {
	n := 0
	for _, rec := range inc.History {
		if (rec.Kind == incident.Intent || rec.Kind == incident.TookOver) && rec.Step.Plan == inc.Intent.Plan && rec.Step.Index == inc.Intent.Index {
			n++
		}
	}
	return n
}

func (e *Engine) refer(inc *incident.Incident, step responders.Step) *incident.StepRef {
	deadline := e.Clock.Now().Add(seconds(step.DeadlineS)).UTC()
	return &incident.StepRef{Phase: inc.Phase, Plan: inc.Plan.Digest, Index: inc.Next, Name: step.Name, Deadline: deadline}
}

// gate asks policy again whether the step may run now, and says what holds it.
func (e *Engine) gate(ctx context.Context, inc *incident.Incident, look pipeline.Look) (gate *Stored, held *obstacle, err error) {
	got, err := e.judged(ctx, func(now standing) candidate {
		q := e.question(inc, look, inc.Phase, inc.Plan, now)
		q.About = policies.AboutGate
		if inc.Phase == incident.PhaseRecover {
			q.History.Before = max(0, q.History.Attempts-1) // this plan is one of the attempts
		}
		return e.ask(ctx, q, inc.Plan)
	}, func(c candidate) bool { return inc.GoesOn(c.answer) })
	if err != nil {
		return nil, nil, err
	}
	gate = &Stored{Question: got.asked, Decision: got.answer}
	if !inc.GoesOn(got.answer) {
		held = obstacleOf(got.answer)
		held.passing, held.asked = got.halfSeen(), gate
	}
	return gate, held, nil
}

// obstacle is what holds a step back. Two of one rule are the same: the numbers in the sentence move with time.
type obstacle struct {
	rule, why string
	passing   bool    // worth a note only when it lasts
	asked     *Stored // of policy, nil where it was not asked
}

// sightless is the obstacle that nothing can be said of the fault now, as in the second after a start.
func sightless() *obstacle {
	return &obstacle{rule: "blind", why: "the watches do not see, so it is not known whether this is still broken", passing: true}
}

// holding is what an incident is held by, since when, and whether that was noted.
type holding struct {
	rule  string
	since time.Time
	noted bool
}

func obstacleOf(d policies.Decision) *obstacle {
	var rules []string
	for _, r := range slices.Concat(d.Held, d.Reasons) {
		rules = append(rules, r.Rule)
	}
	return &obstacle{rule: strings.Join(rules, ","), why: saying(d)}
}

// hold notes why the next step waits, once for each obstacle in a row and for one that may pass when it has lasted for the
// retry time, and looks again later.
func (e *Engine) hold(ctx context.Context, inc *incident.Incident, look pipeline.Look, by *obstacle) error {
	e.mu.Lock()
	now := e.held[inc.ID]
	if now.rule != by.rule {
		now = holding{rule: by.rule, since: e.Clock.Now()}
	}
	note := !now.noted && (!by.passing || e.Clock.Now().Sub(now.since) >= e.Terms.Retry)
	now.noted = now.noted || note
	e.held[inc.ID] = now
	e.mu.Unlock()
	if note {
		if err := e.note(ctx, inc, look, by); err != nil {
			return err
		}
	}
	return e.again(ctx, inc)
}

// waits holds a step that policy does not let run, or gives the plan up where that would wait for what waits for it.
func (e *Engine) waits(ctx context.Context, inc *incident.Incident, look pipeline.Look, by *obstacle) error {
	if e.givesWay(inc, look, by) {
		return e.append(ctx, inc, look, incident.Record{Kind: incident.Handed, Text: gaveWay + by.why})
	}
	return e.hold(ctx, inc, look, by)
}

func (e *Engine) note(ctx context.Context, inc *incident.Incident, look pipeline.Look, by *obstacle) error {
	rec := incident.Record{Kind: incident.Noted, Text: "the next step waits: " + by.why}
	if by.asked == nil {
		return e.append(ctx, inc, look, rec)
	}
	return e.appendAsked(ctx, inc, look, rec, by.asked)
}

// atWrite is the rule of what the guard held back after policy had let it pass.
const atWrite = "write"

// holdAtWrite remembers that the guard held a step. What was known when the step began is not believed any more, so that the
// next gate sees what the guard saw.
func (e *Engine) holdAtWrite(id incident.ID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.held[id] = holding{rule: atWrite, since: e.Clock.Now()}
	e.stood = standing{}
}

// heldAtWrite says that the guard held a step less than the retry time ago: it is not begun again yet, or a few tries in a row
// would give it up.
func (e *Engine) heldAtWrite(id incident.ID) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	last := e.held[id]
	return last.rule == atWrite && e.Clock.Now().Sub(last.since) < e.Terms.Retry
}

// passes says that what an incident is decided upon is only half seen, and has not been for longer than the retry time: a watch that
// begins, or sees again, knows soon.
func (e *Engine) passes(id incident.ID, c candidate) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.held[id]
	if !c.halfSeen() {
		if now.rule == halfSeen {
			delete(e.held, id) // the next time it counts from then
		}
		return false
	}
	if now.rule != halfSeen {
		now = holding{rule: halfSeen, since: e.Clock.Now()}
		e.held[id] = now
	}
	return e.Clock.Now().Sub(now.since) < e.Terms.Retry
}

// halfSeen is the rule of what waits until more is seen.
const halfSeen = "half seen"

// unheld forgets what was noted: the step goes on, or the work has ended.
func (e *Engine) unheld(id incident.ID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.held, id)
}

// carryOut applies the change under the intent that inc.Intent holds, waits until the world agrees, and records the result.
func (e *Engine) carryOut(ctx context.Context, inc *incident.Incident, look pipeline.Look, step responders.Step) error {
	e.unheld(inc.ID)
	began := e.Clock.Now()
	found, err := e.effect(ctx, inc, look, step)
	switch {
	case ctx.Err() != nil:
		return ctx.Err() // the process stops; the open intent is taken up again
	case errors.Is(err, ledger.ErrLost):
		return err
	case errors.Is(err, ErrHeld):
		e.holdAtWrite(inc.ID)
		return e.again(ctx, inc)
	}
	rec := incident.Record{Kind: incident.Done, Detail: found.Detail}
	if err != nil {
		rec = incident.Record{Kind: incident.Failed, Text: err.Error(), Detail: found.Detail}
	}
	took := e.Clock.Now().Sub(began).Seconds()
	rec.Step = &incident.StepRef{TookS: took}
	return e.result(ctx, inc, e.fresh(inc, look), rec)
}

// result records what became of the open step.
func (e *Engine) result(ctx context.Context, inc *incident.Incident, look pipeline.Look, rec incident.Record) error {
	var took float64
	if rec.Step != nil {
		took = rec.Step.TookS
	}
	ref := inc.Intent.StepRef
	ref.TookS, ref.Deadline = took, time.Time{}
	rec.Step = &ref
	return e.append(ctx, inc, look, rec)
}

// fresh is the look of now, or the old one where that cannot be had.
func (e *Engine) fresh(inc *incident.Incident, old pipeline.Look) pipeline.Look {
	if now := e.Sights.Look(inc); now.Seq >= old.Seq {
		return now
	}
	return old
}

// effect applies the change and asks the world until it agrees. The error says why it did not come to that.
func (e *Engine) effect(ctx context.Context, inc *incident.Incident, look pipeline.Look, step responders.Step) (responders.Finding, error) {
	responder, err := e.Catalog.Lookup(step.Change.Responder)
	if err != nil {
		return responders.Finding{}, err
	}
	ctx, ended := e.interruptible(ctx, inc)
	defer ended()
	ctx, cancel := e.Clock.WithTimeout(e.listening(ctx, inc), inc.Intent.Deadline.Sub(e.Clock.Now()))
	defer cancel()
	env := responders.Env{Cluster: inc.Key.Cluster, Incident: string(inc.ID), Plan: inc.Plan.Digest, Step: step.Name, Now: look.Sight.Now}
	guarded := responders.WithGuard(ctx, e.guard(inc))
	if err := responder.Apply(guarded, env, step.Change); err != nil {
		return responders.Finding{}, cmp.Or(interrupted(ctx), fmt.Errorf("step %s: %w", step.Name, err))
	}
	found, err := e.agree(ctx, responder, env, step)
	return found, cmp.Or(interrupted(ctx), err)
}

// agree asks the world until it verifies or the deadline has passed. What it then tells is what the world lacked when it last could say so: the
// deadline comes in the middle of a look as often as between two.
func (e *Engine) agree(ctx context.Context, r responders.Responder, env responders.Env, step responders.Step) (responders.Finding, error) {
	pace := 50 * time.Millisecond
	var last responders.Finding
	for {
		found, err := r.Verify(ctx, env, step.Change)
		switch {
		case err == nil && found.Outcome == responders.OutcomeVerified:
			return found, nil
		case err == nil || !errors.Is(err, context.DeadlineExceeded):
			last = found
		}
		if !e.Clock.Sleep(ctx, pace) {
			return last, fmt.Errorf("step %s: the world does not agree within %s%s", step.Name, seconds(step.DeadlineS), because(err, last))
		}
		pace = min(2*pace, 2*time.Second)
	}
}

func because(err error, found responders.Finding) string {
	switch {
	case err != nil && !errors.Is(err, context.DeadlineExceeded):
		return ": " + err.Error()
	case len(found.Detail) > 0:
		return ": " + found.Detail[0]
	}
	return ""
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func firstOf(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
