package responderstest

import (
	"errors"
	"testing"
)

// TestRefusedWritesDoNotLand: a real API server refuses a write that conflicts with another's, and the responder writes again.
// The answer that is to be lost is that of the write which lands.
func TestRefusedWritesDoNotLand(t *testing.T) {
	tape := NewTape()
	tape.set(faults{after: 1})
	write := Call{Who: Writer, Verb: "patch", Resource: "nodes", Name: "worker-1"}
	conflict := errors.New("conflict")
	if err := tape.Do(t.Context(), write, func() error { return conflict }); !errors.Is(err, conflict) {
		t.Errorf("the refused write ends with %v, want %v", err, conflict)
	}
	if err := tape.Do(t.Context(), write, func() error { return nil }); !errors.Is(err, errBroken) {
		t.Errorf("the write that landed ends with %v, want %v", err, errBroken)
	}
	if _, landed := tape.seen(); len(landed) != 1 {
		t.Errorf("%d writes landed, want 1", len(landed))
	}
}
