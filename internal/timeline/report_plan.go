package timeline

import (
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// durations are the times that the record gives; those it does not give are left out.
func (m *page) durations(inc *incident.Incident) {
	m.section("Durations")
	m.line("| from | to | took |\n| --- | --- | --- |")
	seen := inc.OpenedAt
	if first := inc.History[0].Fault; first != nil {
		seen = first.Since
	}
	confirmed := inc.ConfirmedAt()
	decided := firstOf(inc, func(r incident.Sequenced) bool { return r.Kind == incident.Decided })
	acted := firstOf(inc, func(r incident.Sequenced) bool { return r.Kind == incident.Intent })
	verified := firstOf(inc, func(r incident.Sequenced) bool {
		return r.Kind == incident.Checked && r.Outcome == responders.OutcomeVerified
	})
	closed := firstOf(inc, func(r incident.Sequenced) bool { return r.Kind == incident.Closed })
	m.took("first sign", "confirmed (detect)", seen, confirmed)
	m.took("confirmed", "first decision (decide)", confirmed, decided)
	m.took("first decision", "first step", decided, acted)
	m.took("first sign", "verified (recover)", seen, verified)
	m.took("first sign", "closed", seen, closed)
	if at, began := wentBack(inc); !at.IsZero() {
		m.took("recovery point", "first sign (lost)", at, began)
	}
}

func (m *page) took(from, to string, a, b time.Time) {
	if a.IsZero() || b.IsZero() || b.Before(a) {
		return
	}
	m.line("| %s | %s | %s |", from, to, Lasting(b.Sub(a)))
}

func firstOf(inc *incident.Incident, is func(incident.Sequenced) bool) time.Time {
	for _, rec := range inc.History {
		if is(rec) {
			return When(rec)
		}
	}
	return time.Time{}
}

// decisions lists each answer of policy with its reasons, in order.
func (m *page) decisions(c Case) {
	m.section("Decisions")
	none := true
	for _, rec := range c.Incident.History {
		d := rec.Decided
		if d == nil {
			continue
		}
		none = false
		m.line("- %s: **%s**%s", moment(When(rec)), md(Verdict(d.Answer)), aboutPlan(d))
		for _, r := range d.Answer.Reasons {
			m.line("  - %s (%s)", md(r.Text), code(r.Rule))
		}
		for _, why := range d.Answer.Held {
			m.line("  - held back because %s", md(why.Text))
		}
		if q, known := c.Asked[d.Ref]; known {
			m.line("  - weighed: %s", md(strings.Join(numbers(q), "; ")))
		}
	}
	if none {
		m.line("None: nothing was to be decided.")
	}
}

func aboutPlan(d *incident.Decision) string {
	text := ""
	if d.Plan != nil {
		text = " about plan " + code(d.Plan.ShortDigest())
	}
	if d.Answer.Revision != "" {
		text += ", policy revision " + code(d.Answer.Revision)
	}
	return text
}

// plans lists each plan that was decided about, once.
func (m *page) plans(inc *incident.Incident) {
	m.section("Plans")
	seen := map[string]bool{}
	for _, rec := range inc.History {
		if d := rec.Decided; d != nil && d.Plan != nil && !seen[d.Plan.Digest] {
			seen[d.Plan.Digest] = true
			m.plan(d, started(inc, d.Plan.Digest))
		}
	}
	if len(seen) == 0 {
		m.line("None was worked out.")
	}
}

// started counts how many steps of a plan were begun.
func started(inc *incident.Incident, digest string) int {
	begun := map[int]bool{}
	for _, rec := range inc.History {
		if rec.Kind == incident.Intent && rec.Step != nil && rec.Step.Plan == digest {
			begun[rec.Step.Index] = true
		}
	}
	return len(begun)
}

func (m *page) plan(d *incident.Decision, begun int) {
	p := d.Plan.Proposal()
	purpose := ""
	if d.Phase == incident.PhaseUndo {
		purpose = ", takes back what was done"
	}
	m.line("### Plan %s: %s, %s%s\n", code(d.Plan.ShortDigest()), md(p.Runbook), p.Class, purpose)
	m.line("%d of %s begun. Data loss: %s.\n", begun, counted(len(p.Steps), "step"), orNone(p.DataLoss))
	for _, w := range p.Warnings {
		m.line("- Beware: %s", md(w))
	}
	m.line("Targets:\n")
	for _, t := range p.Targets {
		m.line("- %s", code(targetLine(t)))
	}
	m.line("\nSteps, and what a person would have typed:\n")
	for i, s := range p.Steps {
		m.line("%d. **%s** (%s, %s): %s", i+1, md(s.Name), md(s.Responder), s.Class, md(strings.Join(s.Will, "; ")))
		if s.Command != "" {
			m.line("%s", fenced(s.Command))
		}
	}
	m.line("")
}

func targetLine(t policies.Target) string {
	text := t.String() + " uid " + t.UID
	if t.Zone != "" {
		text += " in zone " + t.Zone
	}
	return text
}

func orNone(text string) string {
	if text == "" {
		return "none expected"
	}
	return md(text)
}
