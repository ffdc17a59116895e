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
