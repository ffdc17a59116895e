package rego

import (
	"sync"

	"github.com/salvor-io/salvor/policies"
)

// The bounds of what a program remembers: answers, and bytes of the facts that they were given to and of what they say.
const (
	maxRemembered      = 4096
	maxRememberedBytes = 4 << 20
)

// memory keeps what sets said about the facts that they read: asked again about the same, as before each step of a plan, they say the same.
// The zero value remembers nothing.
type memory struct {
	mu    sync.Mutex
	said  map[string]policies.Said
	order []string // the first is the oldest
	bytes int
}

// recall gives what was said to the facts of a key.
func (m *memory) recall(key []byte) (policies.Said, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	said, known := m.said[string(key)]
	return said, known
}

// keep remembers what was said, and forgets the oldest when that is too much. It must not be changed by anybody after that.
func (m *memory) keep(key []byte, said policies.Said) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.said[string(key)]; known {
		return
	}
	if m.said == nil {
		m.said = map[string]policies.Said{}
	}
	name := string(key)
	m.said[name], m.order = said, append(m.order, name)
	m.bytes += weight(name, said)
	for len(m.order) > maxRemembered || m.bytes > maxRememberedBytes {
		oldest := m.order[0]
		m.bytes -= weight(oldest, m.said[oldest])
		delete(m.said, oldest)
		m.order = m.order[1:]
	}
}

// weight is about how many bytes it takes to remember something, without what that takes whatever it is.
func weight(key string, said policies.Said) int {
	n := len(key)
	for _, reasons := range [][]policies.Reason{said.Deny, said.Act} {
		for _, why := range reasons {
			n += len(why.Text)
		}
	}
	for _, ask := range said.Ask {
		n += len(ask.Reason.Text)
	}
	return n
}
