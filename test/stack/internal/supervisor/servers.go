package supervisor

import (
	"slices"
	"sync"

	"github.com/salvor-io/salvor/test/stack/internal/process"
)

// servers are the processes that are not nodes. The zero value is empty and ready to use.
type servers struct {
	mu        sync.Mutex
	processes []*process.Process
}

// add takes processes in; one of a name that is there already takes the place of the former.
func (s *servers) add(processes ...*process.Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range processes {
		s.processes = slices.DeleteFunc(s.processes, func(old *process.Process) bool { return old.Name == p.Name })
		s.processes = append(s.processes, p)
	}
}

// find returns the process called name, or nil.
func (s *servers) find(name string) *process.Process {
	for _, p := range s.all() {
		if p.Name == name {
			return p
		}
	}
	return nil
}

func (s *servers) all() []*process.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.processes)
}
