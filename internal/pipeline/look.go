package pipeline

import (
	"slices"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
)

// Look is what the view says about one incident at one moment.
type Look struct {
	Sight incident.Sight
	Seq   uint64 // the event the view had reached
}

// Look asks the view about an incident's fault. Before the first judgement nothing is seen, and what was not found is gone only when the
// judgement that did not find it could see: whoever sees again since was not asked yet. A fault that a move may record is told
// with which rules do not match.
func (p *Pipeline) Look(inc *incident.Incident) Look {
	p.mu.Lock()
	defer p.mu.Unlock()
	finding, away := p.findings[inc.Key], time.Time{}
	if t := p.live[inc.Key]; t != nil && t.id == inc.ID {
		away = t.away
	}
	blind := !p.judging || finding == nil && (away.IsZero() || p.view.Blind(inc.Fault))
	if finding != nil && inc.Retells() {
		told := *finding
		told.Fault = classifiers.Recorded(p.view, p.Classifiers, finding.Fault)
		finding = &told
	}
	sight := incident.Sight{Now: p.view.Now, Blind: blind, Finding: finding}
	if sight.Gone() {
		sight.Away = away
	}
	return Look{Seq: p.view.Seq, Sight: sight}
}

// Misses are the rules that do not match now where a fault was found.
func (p *Pipeline) Misses(f classifiers.Fault) []classifiers.Miss {
	p.mu.Lock()
	defer p.mu.Unlock()
	return classifiers.Explain(p.view, p.Classifiers, &f)
}

// Sentence says what is seen now of a fault, which may have grown since it was recorded; "" when nothing is.
func (p *Pipeline) Sentence(f classifiers.Fault) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if finding := p.findings[incident.KeyOf(f)]; finding != nil {
		return finding.Sentence
	}
	return ""
}

// Ask lets f read the view. f must not keep it.
func (p *Pipeline) Ask(f func(*classifiers.View)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(p.view)
}

// Seq is the event that the view has reached.
func (p *Pipeline) Seq() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.view.Seq
}

// Time is the time of the view.
func (p *Pipeline) Time() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.view.Now
}

// Live are the ids of the incidents that have not ended, the oldest first.
func (p *Pipeline) Live() []incident.ID {
	p.mu.Lock()
	defer p.mu.Unlock()
	var open []*incident.Incident
	for _, t := range p.live {
		open = append(open, p.byID[t.id])
	}
	slices.SortFunc(open, func(a, b *incident.Incident) int { return a.OpenedAt.Compare(b.OpenedAt) })
	var ids []incident.ID
	for _, inc := range open {
		ids = append(ids, inc.ID)
	}
	return ids
}

// Incidents are all incidents the replica knows, those that live and those that ended within Options.Keep, the oldest first, as
// copies whose histories are not to be changed.
func (p *Pipeline) Incidents() []incident.Incident {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []incident.Incident
	for _, inc := range p.byID {
		all = append(all, *inc)
	}
	slices.SortFunc(all, func(a, b incident.Incident) int { return a.OpenedAt.Compare(b.OpenedAt) })
	return all
}

// OpenedSince counts the incidents of a key that were opened after a time, of those that the replica knows.
func (p *Pipeline) OpenedSince(key incident.Key, t time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, inc := range p.byID {
		if inc.Key == key && inc.OpenedAt.After(t) {
			n++
		}
	}
	return n
}
