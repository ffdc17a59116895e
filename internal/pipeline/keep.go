package pipeline

import (
	"time"

	"github.com/salvor-io/salvor/internal/incident"
)

// ended notes that an incident came to its end, and forgets it at once when that is long ago. The caller holds the lock.
func (p *Pipeline) ended(inc *incident.Incident, at time.Time) {
	p.endedAt[inc.ID] = at
	p.lastEnd[inc.Key] = max(p.lastEnd[inc.Key], inc.Seq)
	p.forget(inc.ID)
}

// forgetEnded lets go of the incidents that ended long ago, as the view has come to a later time. What is known depends on the
// records and the time of the view alone, so that a restarted index equals a live one. The caller holds the lock.
func (p *Pipeline) forgetEnded() {
	for id := range p.endedAt {
		p.forget(id)
	}
}

func (p *Pipeline) forget(id incident.ID) {
	if at := p.endedAt[id]; at.Before(p.view.Now.Add(-p.Keep)) {
		if inc := p.byID[id]; p.lastEnd[inc.Key] == inc.Seq {
			delete(p.lastEnd, inc.Key)
		}
		delete(p.endedAt, id)
		delete(p.byID, id)
	}
}
