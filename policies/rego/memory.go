package rego

import (
	"sync"

	"github.com/salvor-io/salvor/policies"
)

// The bounds of what is remembered: values, and about how many bytes they and the facts take that they were worked out of.
const (
	maxRemembered      = 4096
	maxRememberedBytes = 4 << 20
)

// memory keeps what was worked out of facts: asked again about the same, as before each step of a plan, rules say the same. The zero value
// remembers nothing.
type memory[V any] struct {
	mu    sync.Mutex
	known map[string]remembered[V]
	order []string // the first is the oldest
	bytes int
}

type remembered[V any] struct {
	value V
	bytes int
}

// recall gives what was worked out of the facts of a key.
func (m *memory[V]) recall(key []byte) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, known := m.known[string(key)]
	return found.value, known
}

// keep remembers a value that takes so many bytes, and forgets the oldest when that is too much. It must not be changed by anybody after
// that.
func (m *memory[V]) keep(key []byte, value V, bytes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.known[string(key)]; known {
		return
	}
	if m.known == nil {
		m.known = map[string]remembered[V]{}
	}
	name := string(key)
	m.known[name], m.order = remembered[V]{value, bytes + len(key)}, append(m.order, name)
	m.bytes += bytes + len(key)
	for len(m.order) > maxRemembered || m.bytes > maxRememberedBytes {
		oldest := m.order[0]
		m.bytes -= m.known[oldest].bytes
		delete(m.known, oldest)
		m.order = m.order[1:]
	}
}

// weight is about how many bytes the sentences take.
func weight(said policies.Said) int {
	n := 0
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
