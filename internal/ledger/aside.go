package ledger

import (
	"sync"

	"github.com/salvor-io/salvor/internal/incident"
)

// setAside are the incidents that this process has found it cannot archive. The zero value is ready.
type setAside struct {
	mu  sync.Mutex
	ids map[incident.ID]bool
}

func (s *setAside) has(id incident.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ids[id]
}

func (s *setAside) add(id incident.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids == nil {
		s.ids = map[incident.ID]bool{}
	}
	s.ids[id] = true
}

// leftovers are the incidents that an archiver found to hold what nobody works with, and the last record of each then. The zero
// value is ready.
type leftovers struct {
	mu   sync.Mutex
	seen map[incident.ID]uint64
}

// again notes an incident, and says whether it was noted as it is now before.
func (o *leftovers) again(id incident.ID, seq uint64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.seen[id] == seq {
		delete(o.seen, id)
		return true
	}
	if o.seen == nil {
		o.seen = map[incident.ID]uint64{}
	}
	o.seen[id] = seq
	return false
}
