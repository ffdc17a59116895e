package rego

import (
	"slices"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/salvor-io/salvor/policies"
)

// maxRemembered bounds the answers that a program remembers.
const maxRemembered = 64

// memory keeps what rules said to the facts that they read: asked again about the same, as before each step of a plan, they say the
// same. The zero value remembers nothing.
type memory struct {
	mu      sync.Mutex
	answers []remembered // the last is the youngest
}

type remembered struct {
	input ast.Value
	hash  int
	said  policies.Said
}

// recall gives the answer to an input.
func (m *memory) recall(input ast.Value) (policies.Said, bool) {
	hash := input.Hash()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, known := range slices.Backward(m.answers) {
		if known.hash == hash && known.input.Compare(input) == 0 {
			return copied(known.said), true
		}
	}
	return policies.Said{}, false
}

// keep remembers an answer, and forgets the oldest when there are too many.
func (m *memory) keep(input ast.Value, said policies.Said) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.answers) == maxRemembered {
		m.answers = slices.Delete(m.answers, 0, 1)
	}
	m.answers = append(m.answers, remembered{input, input.Hash(), copied(said)})
}

// copied keeps what callers add to an answer out of what is remembered.
func copied(said policies.Said) policies.Said {
	said.Deny, said.Ask, said.Act = slices.Clone(said.Deny), slices.Clone(said.Ask), slices.Clone(said.Act)
	return said
}
