package ledger

import (
	"encoding/json"
	"errors"
	"testing"
)

// TestChatPlaces: of two replicas that want a message one gets it, and what one keeps the other reads.
func TestChatPlaces(t *testing.T) {
	s := startStore(t)
	one, two := s.ledger("one"), s.ledger("two")
	const id, channel = "0123456789abcdef-7", "slack:C1 >*"
	if raw, seq, err := one.ChatPlace(t.Context(), id, channel); raw != nil || seq != 0 || err != nil {
		t.Fatalf("at first there is %s at %d: %v", raw, seq, err)
	}
	seq, err := one.KeepChatPlace(t.Context(), id, channel, 0, json.RawMessage(`{"holder":"one"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := two.KeepChatPlace(t.Context(), id, channel, 0, json.RawMessage(`{"holder":"two"}`)); !errors.Is(err, ErrLost) {
		t.Errorf("a second claim is %v", err)
	}
	raw, at, err := two.ChatPlace(t.Context(), id, channel)
	if string(raw) != `{"holder":"one"}` || at != seq || err != nil {
		t.Errorf("it is %s at %d, want %d: %v", raw, at, seq, err)
	}
	if _, err := two.KeepChatPlace(t.Context(), id, channel, at, json.RawMessage(`{"holder":"two"}`)); err != nil {
		t.Errorf("it is not taken over: %v", err)
	}
	if _, _, err := two.ChatPlace(t.Context(), "no.id", channel); !errors.Is(err, ErrNotFound) {
		t.Errorf("what is no id is %v", err)
	}
}
