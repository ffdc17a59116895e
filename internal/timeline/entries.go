package timeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// teller turns records into entries, in their order. It remembers the plan in force.
type teller struct {
	asked   map[string]policies.Question
	plan    *responders.Plan
	results map[uint64]incident.Sequenced // by the sequence of the intent or takeover it ends
	over    map[uint64]bool               // sequences of intents that another record goes on with
	told    map[uint64]bool               // sequences of results told with their intent
	stopped map[uint64]bool               // sequences of intents in whose midst a person stopped the plan
}

func newTeller(asked map[string]policies.Question) *teller {
	return &teller{asked: asked, results: map[uint64]incident.Sequenced{}, over: map[uint64]bool{}, told: map[uint64]bool{}, stopped: map[uint64]bool{}}
}

// entries tells a whole history.
func entries(history []incident.Sequenced, asked map[string]policies.Question) []entry {
	t := newTeller(asked)
	t.match(history)
	var out []entry
	for _, rec := range history {
		out = append(out, t.tell(rec)...)
	}
	return out
}

// match finds the result of each step that was begun.
func (t *teller) match(history []incident.Sequenced) {
	var open *incident.Sequenced
	for i, rec := range history {
		switch rec.Kind {
		case incident.Intent, incident.TookOver:
			if open != nil {
				t.over[open.Seq] = true
			}
			open = &history[i]
		case incident.Done, incident.Failed:
			if open != nil {
				t.results[open.Seq], t.told[rec.Seq] = rec, true
			}
			open = nil
		case incident.Halted:
			if open != nil {
				t.stopped[open.Seq] = true
			}
			open = nil
		}
	}
}

func (t *teller) tell(rec incident.Sequenced) []entry {
	e := entry{at: When(rec), text: Plain(rec.Text), more: plainAll(rec.Detail)}
	switch rec.Kind {
	case incident.Opened:
		e.verb, e.more = "saw", found(rec.Fault)
		if rec.Standing {
			e.text = strings.TrimPrefix(e.text+"; it was so when Salvor first looked, and is left alone until it changes", "; ")
		}
	case incident.Confirmed:
		e.verb, e.more = "confirmed", found(rec.Fault)
	case incident.Recurred:
		e.verb, e.more = "saw again", found(rec.Fault)
		if rec.WindowS > 0 {
			e.more = append(e.more, "counts again once it has lasted "+Lasting(inSeconds(rec.WindowS)))
		}
	case incident.Cleared:
		e.verb = "cleared"
	case incident.Decided:
		return t.decided(e, rec)
	case incident.Voted:
		return []entry{voted(e, rec)}
	case incident.Broke:
		return []entry{broke(e, rec)}
	case incident.Halted:
		return []entry{halted(e, rec)}
	case incident.Reminded:
		e.verb = "reminded"
	case incident.Escalated:
		e.verb = "escalated"
	case incident.Expired:
		e.verb = "expired"
	case incident.Intent, incident.TookOver:
		return t.step(e, rec)
	case incident.Done, incident.Failed:
		return t.result(e, rec)
	case incident.Checked:
		return []entry{t.checked(e, rec)}
	case incident.Handed:
		e.verb, e.text = "handed", "to a person: "+e.text
	case incident.Noted:
		e.verb = "note"
	case incident.Closed:
		e.verb = "closed"
	default:
		e.verb, e.text = "record", Plain(string(rec.Kind)+" "+rec.Text)
	}
	return []entry{e}
}

// voted tells what a person said, and with what.
func voted(e entry, rec incident.Sequenced) entry {
	b := rec.Ballot
	if b == nil {
		return e
	}
	verbs := map[incident.Voice]string{incident.Approve: "approved", incident.Reject: "rejected", incident.Hold: "on it"}
	e.verb, e.text = verbs[b.Says], Plain(b.Person)
	if b.Via != "" {
		e.text += " via " + Plain(b.Via)
	}
	e.text += ", plan " + Plain(responders.Plan{Digest: b.Plan}.ShortDigest())
	if b.Reason != "" {
		e.more = append(e.more, Plain(b.Reason))
	}
	return e
}

// halted tells who stopped a plan, with what, and what becomes of what it did.
func halted(e entry, rec incident.Sequenced) entry {
	e.verb = "stopped"
	if h := rec.Halt; h != nil && h.Via != "" {
		e.text += " (via " + Plain(h.Via) + ")"
	}
	return e
}

// broke tells who wants a plan to run without policy, and with what they said so.
func broke(e entry, rec incident.Sequenced) entry {
	e.verb = "glass"
	if b := rec.Break; b != nil && b.Via != "" {
		e.text += " (via " + Plain(b.Via) + ")"
	}
	return e
}

// found says why it is this fault: who agrees, which events say so, and which rules did not match.
func found(f *classifiers.Fault) []string {
	if f == nil {
		return nil
	}
	return slices.Concat(signals(f), evidence(f), unmatched(f.Misses))
}

// signals says who agrees, with the numbers they used.
func signals(f *classifiers.Fault) []string {
	var out []string
	if agree, asked := f.Agreement(); asked > 0 {
		out = append(out, Agreement(agree, asked))
	}
	for _, s := range f.Signals {
		out = append(out, Plain(s.Name+": "+s.Detail))
	}
	return out
}

// step tells a step with its result, when it has one.
func (t *teller) step(e entry, rec incident.Sequenced) []entry {
	if rec.Step == nil {
		return nil
	}
	var out []entry
	if rec.Kind == incident.TookOver {
		out = append(out, entry{at: e.at, verb: "took over", text: fmt.Sprintf("%s (%s)", e.text, Plain(rec.Writer))})
	}
	s := entry{at: e.at, verb: t.number(rec.Step), text: t.does(rec.Step)}
	result, ended := t.results[rec.Seq]
	switch {
	case t.over[rec.Seq]:
		s.text += "  not ended by " + Plain(rec.Writer)
	case t.stopped[rec.Seq]:
		s.text += "  stopped by a person, not ended"
	case !ended:
		s.text += fmt.Sprintf("  running, stops by %s", clock(rec.Step.Deadline))
	default:
		s = withResult(s, result)
	}
	return append(out, s)
}

func withResult(s entry, result incident.Sequenced) entry {
	took := ""
	if result.Step != nil && result.Step.TookS > 0 {
		took = Lasting(inSeconds(result.Step.TookS)) + " "
	}
	s.more = plainAll(result.Detail)
	if result.Kind == incident.Done {
		s.text = fmt.Sprintf("%-40s %sdone", s.text, took)
		return s
	}
	s.text = fmt.Sprintf("%-40s %sFAILED", s.text, took)
	if result.Text != "" {
		s.more = append([]string{Plain(result.Text)}, s.more...)
	}
	return s
}

// result tells a result that belongs to no step told before, as in a stream.
func (t *teller) result(e entry, rec incident.Sequenced) []entry {
	if t.told[rec.Seq] || rec.Step == nil {
		return nil
	}
	s := withResult(entry{at: e.at, verb: t.number(rec.Step), text: t.does(rec.Step)}, rec)
	return []entry{s}
}

func (t *teller) number(ref *incident.StepRef) string {
	if t.plan == nil || t.plan.Digest != ref.Plan {
		return fmt.Sprintf("step %d", ref.Index+1)
	}
	return fmt.Sprintf("step %d/%d", ref.Index+1, len(t.plan.Steps))
}

// does says what a step does, its name alone where its plan is not known.
func (t *teller) does(ref *incident.StepRef) string {
	if t.plan == nil || t.plan.Digest != ref.Plan || ref.Index < 0 || ref.Index >= len(t.plan.Steps) {
		return Plain(ref.Name)
	}
	return Does(t.plan.Steps[ref.Index])
}

// Does says what a step does: its name, and the one thing that it will do or how many targets it has.
func Does(step responders.Step) string {
	name, change := Plain(step.Name), step.Change
	switch {
	case change.Nothing:
		return name + ": it is so already"
	case len(change.Will) == 1:
		return name + ": " + Plain(change.Will[0])
	}
	return name + " " + Targeted(change.Targets)
}

// checked tells what the plan's checks came to.
func (t *teller) checked(e entry, rec incident.Sequenced) entry {
	switch rec.Outcome {
	case responders.OutcomeVerified:
		e.verb = "verified"
		if t.plan != nil {
			e.text = t.held()
		}
	case responders.OutcomePartly:
		e.verb, e.text = "partly", "recovered; still down:"
	case responders.OutcomeNotVerified:
		e.verb, e.text = "checked", "NOT recovered:"
	default:
		e.verb, e.text = "checked", "UNKNOWN whether it is recovered:"
	}
	if len(rec.Detail) == 0 && rec.Outcome != responders.OutcomeVerified {
		e.more = []string{Plain(rec.Text)}
	}
	return e
}

// held says what the checks of the plan in force saw to hold.
func (t *teller) held() string {
	if len(t.plan.Checks) == 0 {
		return "nothing was left to check"
	}
	text := ""
	for i, c := range t.plan.Checks {
		switch {
		case i > 0 && c.Change.Nothing:
			text += "; "
		case i > 0:
			text += ", "
		}
		what := Plain(c.Name)
		if len(c.Change.Will) == 1 {
			what = Plain(c.Change.Will[0])
		}
		text += what
		if !c.Change.Nothing {
			text += ", held for " + Lasting(inSeconds(c.SettleS))
		}
	}
	return text
}
