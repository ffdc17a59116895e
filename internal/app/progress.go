package app

import (
	"sync"

	"github.com/salvor-io/salvor/internal/card"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/protection"
)

// progress is how far the steps are that this replica does now. It is not recorded: another replica does not know it. The zero value is ready.
type progress struct {
	mu   sync.Mutex
	told map[incident.ID]told
}

type told struct {
	step int
	text string
}

// hear notes how far a step is.
func (p *progress) hear(id incident.ID, step int, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.told == nil {
		p.told = map[incident.ID]told{}
	}
	p.told[id] = told{step, text}
}

// moved forgets what a record has overtaken: what is begun next says itself how far it is.
func (p *progress) moved(rec incident.Sequenced) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if rec.Kind != incident.Noted {
		delete(p.told, rec.Incident)
	}
}

// of is how far the step is that is due, "" where that is not known.
func (p *progress) of(inc *incident.Incident) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, known := p.told[inc.ID]
	if !known || !inc.Working() || t.step != inc.Next {
		return ""
	}
	return t.text
}

// words are what cards of an incident say that its record does not.
func (a *App) words(inc *incident.Incident) card.Words {
	return card.Words{Severity: string(a.severity(inc)), Sentence: a.pipeline.Sentence(inc.Fault), Progress: a.progress.of(inc)}
}

// severity is how much an incident matters.
func (a *App) severity(inc *incident.Incident) protection.Severity {
	return a.promises.Severity(inc, a.environments[inc.Key.Cluster])
}

// comesOn is told how far a step is.
func (a *App) comesOn(id incident.ID, step int, text string) {
	a.progress.hear(id, step, text)
	a.front.comesOn(id)
}
