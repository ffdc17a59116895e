package replay

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/pipeline"
	"github.com/salvor-io/salvor/internal/recovery"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// compare judges again what a record says, and notes what comes of it. Records of what the world did and
// people said are no judgements.
func (c *checker) compare(ctx context.Context, inc *incident.Incident, rec incident.Sequenced) {
	switch rec.Kind {
	case incident.Opened:
		c.opened(rec)
	case incident.Confirmed, incident.Recurred, incident.Cleared, incident.Handed, incident.Reminded, incident.Escalated, incident.Expired, incident.Closed:
		c.moved(inc, rec)
	case incident.Decided:
		c.decided(ctx, inc, rec)
	case incident.Intent:
		c.intended(ctx, inc, rec)
	}
}

// judgement says whether records of a kind are judgements.
func judgement(kind incident.RecordKind) bool {
	switch kind {
	case incident.TookOver, incident.Done, incident.Failed, incident.Checked, incident.Noted, incident.Voted, incident.Broke, incident.Halted:
		return false
	}
	return true
}

// bill is what is compared of a record: what the judgement says, and not who wrote it down.
type bill struct {
	Kind     incident.RecordKind
	Fault    *classifiers.Fault
	WindowS  float64
	Standing bool
	Decided  *incident.Decision
	Outcome  responders.Outcome
	Text     string
}

func billOf(rec incident.Record) bill {
	return bill{rec.Kind, rec.Fault, rec.WindowS, rec.Standing, rec.Decided, rec.Outcome, rec.Text}
}

// coarse is a bill without what is only told beside the judgement: which events it goes back to, and what exactly they said.
func (b bill) coarse() bill {
	if b.Fault == nil {
		return b
	}
	f := *b.Fault
	f.Evidence, f.Told, f.Misses, f.Signals = nil, nil, nil, slices.Clone(f.Signals)
	for i := range f.Signals {
		f.Signals[i].Detail = ""
	}
	b.Fault = &f
	return b
}

// same notes a judgement that was made again. Where events are made up, what is only told beside it may be told otherwise.
func (c *checker) same(j Judged, was, is bill) {
	if c.report.MadeUp > 0 && !bytes.Equal(rendered(was), rendered(is)) && bytes.Equal(rendered(was.coarse()), rendered(is.coarse())) {
		c.report.Nearly++
		is = was
	}
	c.report.add(j, was, is)
}

// opened compares an opening with what the pipeline wanted to open at the same event.
func (c *checker) opened(rec incident.Sequenced) {
	j := c.judged(rec.Fault.Cluster, string(rec.Fault.Kind)+" "+rec.Fault.Anchor.String(), rec, aFault)
	first, waited := c.also[*rec.Key]
	wish, wanted := c.wishes[*rec.Key]
	switch {
	case waited && rec.At.Sub(first.At) > about:
		j.Now = fmt.Sprintf("opened %s sooner, at %s: %s", rec.At.Sub(first.At).Round(time.Second), clockOf(first.At), first.Text)
		c.report.add(j, billOf(rec.Record), j.Now)
	case !wanted:
		j.Now = "nothing is opened now"
		c.report.add(j, billOf(rec.Record), nil)
	default:
		j.Now = wish.Text
		c.same(j, billOf(rec.Record), billOf(wish))
	}
}

// moved compares a move that depends on nothing but the incident and what is seen.
func (c *checker) moved(inc *incident.Incident, rec incident.Sequenced) {
	what := aMove
	if rec.Kind == incident.Confirmed || rec.Kind == incident.Recurred {
		what = aFault
	}
	look := c.pipeline.Look(inc)
	move := inc.Upcoming(look.Sight, c.engine.Terms)
	now := move.Record
	if rec.Kind == incident.Cleared && move.Do == incident.Resume && look.Sight.Gone() || // a step that is not gone on with
		rec.Kind == incident.Handed && (move.Do == incident.Decide || move.Do == incident.Step) { // by what came of the plan
		move.Do, now = incident.Append, rec.Record
	}
	j := c.of(inc, rec, what)
	if j.Now = doing(move); move.Do != incident.Append {
		c.report.add(j, billOf(rec.Record), j.Now)
		return
	}
	if now.Kind == rec.Kind {
		j.Now = now.Text
	}
	c.same(j, billOf(rec.Record), billOf(now))
}

// doing is a move as people read it.
func doing(m incident.Move) string {
	switch m.Do {
	case incident.Append:
		return string(m.Record.Kind) + ": " + m.Record.Text
	case incident.Wait:
		return "waits"
	case incident.Decide:
		return "asks policy about a plan"
	case incident.Step, incident.Resume:
		return "goes on with the plan"
	case incident.Check:
		return "checks what the plan came to"
	}
	return "rests"
}

// decided asks the recorded question anew about the recorded plan, which is sealed anew.
func (c *checker) decided(ctx context.Context, inc *incident.Incident, rec incident.Sequenced) {
	then, ok := c.asked(rec.Decided.Ref)
	if !ok {
		c.report.Missed++
		return
	}
	d := *rec.Decided
	j := c.of(inc, rec, aDecision)
	look := c.pipeline.Look(inc)
	if move := inc.Upcoming(look.Sight, c.engine.Terms); move.Do == incident.Append {
		j.Now = doing(move)
		c.report.add(j, judgedBill(d), j.Now)
		c.otherwise[inc.ID] = true
		return
	}
	if d.Plan != nil {
		sealed, err := d.Plan.Seal()
		if err != nil {
			c.odd(err.Error())
			return
		}
		c.report.Changes += len(sealed.Steps)
		d.Plan = &sealed
	}
	d.Answer, j.Now = c.answer(ctx, inc, look, d, then)
	d.Agreed = inc.Agreed(d.Phase, d.Plan, d.Answer, rec.At)
	d.Broken = inc.MayBreak(d.Phase, d.Plan, d.Answer, rec.At)
	c.otherwise[inc.ID] = d.Answer.Verdict != rec.Decided.Answer.Verdict || d.Agreed != rec.Decided.Agreed || d.Broken != rec.Decided.Broken
	if c.otherwise[inc.ID] {
		j.Turns = turnOf(*rec.Decided) + " -> " + turnOf(d)
	}
	c.report.add(j, judgedBill(*rec.Decided), judgedBill(d))
}

// turnOf is what a decision came to, in a word.
func turnOf(d incident.Decision) string {
	switch {
	case d.Agreed:
		return "approved"
	case d.Broken:
		return "broken glass"
	}
	return d.Answer.Verdict.String()
}

// answer is what policy says now. Where no plan could be made then, it is only said whether a runbook would be tried now.
func (c *checker) answer(ctx context.Context, inc *incident.Incident, look pipeline.Look, d incident.Decision, then policies.Question) (policies.Decision, string) {
	ladder := c.engine.Ladder(inc, d.Phase)
	switch {
	case d.Plan != nil && d.Phase == incident.PhaseRecover && !slices.Contains(ladder, d.Plan.Runbook):
		none := policies.Decision{Reasons: []policies.Reason{}, Held: []policies.Reason{{Text: "no runbook is named " + d.Plan.Runbook + " for this", Rule: "runbook"}}}
		return none, recovery.Saying(none)
	case d.Plan == nil && len(ladder) > 0 && tried(d.Answer): // previews failed, as the world was
		return d.Answer, recovery.Saying(d.Answer)
	case d.Plan == nil && len(ladder) > 0:
		none := policies.Decision{Reasons: []policies.Reason{}, Held: []policies.Reason{{Text: "runbook " + ladder[0] + " would be tried; what its plan would be is not known here", Rule: "runbook"}}}
		return none, recovery.Saying(none)
	}
	c.world.repairers, c.world.unknown = then.View.Repairers, slices.Contains(then.Unknown, "view.repairers")
	_, answer := c.engine.Anew(ctx, inc, look, d.Plan, then)
	return answer, recovery.Saying(answer)
}

// tried says that an answer without a plan is one that tells of runbooks that came to none.
func tried(d policies.Decision) bool {
	return slices.ContainsFunc(d.Held, func(r policies.Reason) bool { return strings.HasPrefix(r.Text, "no plan could be made") })
}

// judgedBill is what is compared of a decision: all but where it is stored, the revision of the rules and the lines at which they
// stand, which move with each edit.
func judgedBill(d incident.Decision) incident.Decision {
	out := *bare(incident.Sequenced{Record: incident.Record{Decided: &d}}).Decided
	out.Asked = incident.Asked{}
	return out
}

// intended asks the gate again whether a step may run, by what was known of the world when its plan was decided about.
func (c *checker) intended(ctx context.Context, inc *incident.Incident, rec incident.Sequenced) {
	if inc.Plan == nil || inc.Decision == nil || c.otherwise[inc.ID] {
		return // what would not have been started is told of once
	}
	then, ok := c.asked(inc.Decision.Ref)
	if !ok {
		c.report.Missed++
		return
	}
	then.About = policies.AboutGate
	d := incident.Decision{Phase: inc.Phase, Plan: inc.Plan}
	var text string
	d.Answer, text = c.answer(ctx, inc, c.pipeline.Look(inc), d, then)
	j := c.of(inc, rec, aStep)
	j.Recorded = "step " + rec.Step.Name + " was let run"
	j.Now = j.Recorded
	if !inc.GoesOn(d.Answer) {
		j.Now = "step " + rec.Step.Name + " is not let run: " + text
	}
	c.report.add(j, j.Recorded, j.Now)
}

// asked is the question that a document holds.
func (c *checker) asked(ref string) (policies.Question, bool) {
	var stored recovery.Stored
	err := json.Unmarshal(c.file.Asked[ref], &stored)
	return stored.Question, err == nil
}

func (c *checker) of(inc *incident.Incident, rec incident.Sequenced, what What) Judged {
	return c.judged(inc.Key.Cluster, string(inc.Fault.Kind)+" "+inc.Fault.Anchor.String(), rec, what)
}

func (c *checker) judged(cluster, anchor string, rec incident.Sequenced, what What) Judged {
	return Judged{Seq: rec.Seq, At: rec.At, Incident: rec.Incident, Name: rec.Incident.Name(), Cluster: cluster, Anchor: anchor, What: what,
		Recorded: cmp.Or(rec.Text, string(rec.Kind))}
}

func clockOf(at time.Time) string { return at.UTC().Format("15:04:05") }
