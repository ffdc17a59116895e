package regotest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/policies"
)

// Dropped is what came of hiding facts.
type Dropped struct {
	Questions int        `json:"questions"` // that were asked, with all their facts and without each
	Facts     []string   `json:"facts"`     // that were hidden, each in turn
	Looser    []Loosened `json:"looser"`
	LeftOut   int        `json:"left_out"` // inputs of tests beyond the first 10,000
}

// Loosened is a fact without which rules let more be done, or an input that cannot be asked about at all.
type Loosened struct {
	File string `json:"file"` // the test that asks first
	Line int    `json:"line"`
	Text string `json:"text"`
}

// dropFacts asks every question with all its facts, and without each that rules read and that may be unknown. What is compared is what
// rules, class and what is unknown come to. Mode and brakes only tighten that, and are not the author's.
func (r *run) dropFacts(ctx context.Context) (*Dropped, error) {
	d := &Dropped{Facts: []string{}, Looser: []Loosened{}, LeftOut: r.watch.leftOut}
	for _, fact := range r.engine.Reads() {
		if slices.Contains(policies.Uncertain(), fact) {
			d.Facts = append(d.Facts, fact)
		}
	}
	for _, one := range r.posed(d) {
		if err := r.hideEach(ctx, one, d); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (r *run) hideEach(ctx context.Context, one posed, d *Dropped) error {
	d.Questions++
	before, err := r.engine.Ask(ctx, one.question)
	if err != nil {
		d.add(one, fmt.Sprintf("rules cannot be evaluated when facts that the test leaves out are zero: %v", err))
		return ctx.Err()
	}
	for _, fact := range d.Facts {
		q, err := without(one.question, fact)
		if err != nil {
			return err
		}
		after, err := r.engine.Ask(ctx, q)
		if err != nil { // no answer is a refusal
			continue
		}
		d.compare(one, fact, answered(before, one.question), answered(after, q))
	}
	return ctx.Err()
}

// answer is what rules said, and what comes of it but for mode and brakes.
type answer struct {
	said     policies.Said
	decision policies.Decision
}

// answered is an answer but for mode and brakes, and for what would be done if nothing were unknown.
func answered(said policies.Said, q policies.Question) answer {
	d := policies.Unheld(said, q)
	d.Would = d.Verdict
	return answer{said, d}
}

// inWords is a decision with whom it asks, where another one asks too.
func inWords(d, other policies.Decision) string {
	if d.Verdict != policies.Ask || other.Verdict != policies.Ask {
		return d.Verdict.String()
	}
	return "ask " + d.Asks.Whom()
}

func (d *Dropped) compare(one posed, fact string, before, after answer) {
	if policies.Compare(before.decision, after.decision) != policies.Looser {
		return
	}
	text := fmt.Sprintf("without %s the answer is %s instead of %s", fact, inWords(after.decision, before.decision), inWords(before.decision, after.decision))
	if silent := gone(speakers(before.said), spoken(after.said)); len(silent) > 0 {
		d.add(one, fmt.Sprintf("%s (%s says nothing then): %s too while %q is in input.unknown", text, strings.Join(silent, ", "), before.decision.Verdict, fact))
		return
	}
	loud := gone(speakers(after.said), spoken(before.said))
	d.add(one, fmt.Sprintf("%s (%s speaks then): let it not while %q is in input.unknown", text, strings.Join(loud, ", "), fact))
}

// add notes a problem once, however many questions show it.
func (d *Dropped) add(one posed, text string) {
	if !slices.ContainsFunc(d.Looser, func(known Loosened) bool { return known.Text == text }) {
		d.Looser = append(d.Looser, Loosened{one.file, one.line, text})
	}
}

// speakers are the rules whose words count.
func speakers(said policies.Said) []string {
	all := spoken(said)
	return slices.DeleteFunc(rulesOf(policies.Combine(said).Reasons), func(rule string) bool { return !slices.Contains(all, rule) })
}

// spoken are all rules that say something.
func spoken(said policies.Said) []string {
	reasons := slices.Concat(said.Deny, said.Act)
	for _, ask := range said.Ask {
		reasons = append(reasons, ask.Reason)
	}
	return rulesOf(reasons)
}

func rulesOf(reasons []policies.Reason) []string {
	var rules []string
	for _, reason := range reasons {
		rules = append(rules, reason.Rule)
	}
	slices.Sort(rules)
	return slices.Compact(rules)
}

// gone are the names of one list that the other lacks.
func gone(from, in []string) []string {
	return slices.DeleteFunc(slices.Clone(from), func(name string) bool { return slices.Contains(in, name) })
}
