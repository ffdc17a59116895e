package timeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/responders"
)

// Report renders the Markdown of a post-mortem: what broke and how it ended, how long things took, the evidence, what was
// decided and why, the plan with what a person would have typed, what was verified, all in order, and what stays open.
func Report(c Case) string {
	m := &page{}
	inc := c.Incident
	m.line("# %s: %s, %s", inc.Name(), md(About(inc)), md(inc.Key.Cluster))
	m.summary(c)
	m.durations(inc)
	m.fault(inc)
	m.decisions(c)
	m.plans(inc)
	m.verification(inc)
	m.timeline(c)
	m.open(inc)
	return m.String()
}

// page is Markdown that grows.
type page struct{ strings.Builder }

func (m *page) line(format string, args ...any) { fmt.Fprintf(m, format+"\n", args...) }

func (m *page) section(name string) { m.line("\n## %s\n", name) }

func (m *page) summary(c Case) {
	inc, fault := c.Incident, lastFault(c.Incident)
	m.section("Summary")
	m.line("What broke: %s.\n", md(fault.Sentence))
	m.line("- State: %s", md(standing(inc, c.Now)))
	m.line("- Opened: %s", moment(inc.OpenedAt))
	if inc.State == incident.Ended {
		m.line("- Closed: %s", moment(inc.Since))
	}
	for _, part := range []struct {
		name string
		list []string
	}{{"Nodes", fault.Scope.Nodes}, {"Zones", fault.Scope.Zones}, {"Regions", fault.Scope.Regions}} {
		if len(part.list) > 0 {
			m.line("- %s: %s", part.name, md(strings.Join(part.list, ", ")))
		}
	}
	if inc.Count > 1 {
		m.line("- The fault came back %s within this incident", counted(inc.Count-1, "time"))
	}
	m.line("- Incident: %s", code(string(inc.ID)))
}

// lastFault is the fault as it was last recorded, with the numbers of then.
func lastFault(inc *incident.Incident) classifiers.Fault {
	for _, rec := range slices.Backward(inc.History) {
		if rec.Fault != nil {
			return *rec.Fault
		}
	}
	return inc.Fault
}

// fault lists the signals with their numbers, and the events that say so.
func (m *page) fault(inc *incident.Incident) {
	m.section("Fault and evidence")
	fault := lastFault(inc)
	if agree, asked := fault.Agreement(); asked > 0 {
		m.line("%s.\n", Agreement(agree, asked))
	}
	m.line("| observer | says | detail |\n| --- | --- | --- |")
	for _, s := range fault.Signals {
		says := "was not asked"
		switch {
		case s.Asked && s.Agrees:
			says = "it is so"
		case s.Asked:
			says = "it is not so"
		}
		m.line("| %s | %s | %s |", md(s.Name), says, md(s.Detail))
	}
	if len(fault.Evidence) > 0 {
		m.line("\nEvents:\n")
	}
	for _, id := range fault.Evidence {
		if text := said(&fault, id); text != "" {
			m.line("- %s (%s)", md(text), code(id))
			continue
		}
		m.line("- %s", code(id))
	}
	m.unmatched(fault.Misses)
}

// unmatched lists the rules that did not match, and by how much.
func (m *page) unmatched(misses []classifiers.Miss) {
	if len(misses) == 0 {
		return
	}
	m.line("\nNot because of:\n\n| rule | why not |\n| --- | --- |")
	for _, miss := range misses {
		m.line("| %s | %s |", md(miss.Rule), md(miss.Text))
	}
}

func (m *page) verification(inc *incident.Incident) {
	m.section("What was verified")
	checked := false
	t := newTeller(nil)
	for _, rec := range inc.History {
		e := t.tell(rec)
		if rec.Kind != incident.Checked {
			continue
		}
		checked = true
		m.line("- %s: %s %s", moment(When(rec)), e[0].verb, md(e[0].text))
		for _, detail := range e[0].more {
			m.line("  - %s", md(detail))
		}
	}
	if !checked {
		m.line("Nothing: no plan came to its checks.")
	}
}

func (m *page) timeline(c Case) {
	m.section("Timeline")
	m.line("| time (UTC) | | what |\n| --- | --- | --- |")
	for _, e := range entries(c.Incident.History, c.Asked) {
		text := md(strings.Join(strings.Fields(e.text), " "))
		for _, more := range e.more {
			text += "<br>" + md(more)
		}
		m.line("| %s | %s | %s |", strings.TrimSuffix(moment(e.at), " UTC"), e.verb, text)
	}
}

// open lists what the record itself leaves open.
func (m *page) open(inc *incident.Incident) {
	m.section("Open questions")
	open := openQuestions(inc)
	for _, q := range open {
		m.line("- %s", q)
	}
	if len(open) == 0 {
		m.line("None follows from the record.")
	}
}

func openQuestions(inc *incident.Incident) []string {
	var out []string
	for _, s := range lastFault(inc).Signals {
		if s.Asked && !s.Agrees {
			out = append(out, fmt.Sprintf("Why does %s not agree? %s.", md(s.Name), md(s.Detail)))
		}
		if !s.Asked {
			out = append(out, fmt.Sprintf("Should %s have told? It was not asked: %s.", md(s.Name), md(s.Detail)))
		}
	}
	if inc.Count > 1 {
		out = append(out, fmt.Sprintf("Why did the fault come back %s?", counted(inc.Count-1, "time")))
	}
	for _, rec := range inc.History {
		switch {
		case rec.Kind == incident.Failed && rec.Step != nil:
			out = append(out, fmt.Sprintf("Why did step %s fail? %s.", md(rec.Step.Name), md(rec.Text)))
		case rec.Kind == incident.TookOver:
			out = append(out, fmt.Sprintf("Why was the writer before %s lost?", md(rec.Writer)))
		}
	}
	if inc.Outcome != responders.OutcomeVerified {
		for _, line := range StillDown(inc) {
			out = append(out, "Who brings back what is still down: "+md(line)+"?")
		}
	}
	return out
}
