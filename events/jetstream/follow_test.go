package jetstream

import (
	"errors"
	"testing"
	"time"

	"github.com/salvor-io/salvor/events"
)

// TestFollowAnotherLog: a follower whose place was given to another event says so, and does not fold on as if nothing were.
func TestFollowAnotherLog(t *testing.T) {
	t.Parallel()
	one, other := startExternal(t, ""), startExternal(t, "")
	between := startProxy(t, one.address())
	log := openLog(t, dialPlain(t, between.address()), Options{})
	if _, err := log.Append(t.Context(), sample(1), sample(2), sample(3)); err != nil {
		t.Fatal(err)
	}
	elsewhere := openLog(t, dialPlain(t, other.address()), Options{})
	for n := range 10 {
		if _, err := elsewhere.Append(t.Context(), sample(100+n)); err != nil {
			t.Fatal(err)
		}
	}
	folded := make(chan string, 100)
	done := make(chan error, 1)
	go func() {
		done <- log.Follow(t.Context(), 0, func(ev events.Recorded) error { folded <- ev.ID; return nil }, nil)
	}()
	for n := range 3 {
		if got := <-folded; got != sample(n+1).ID {
			t.Fatalf("%s was folded, want %s", got, sample(n+1).ID)
		}
	}
	address := other.address()
	between.target.Store(&address)
	between.cut()
	select {
	case err := <-done:
		if !errors.Is(err, errRewound) {
			t.Errorf("follow returned %v, want that it is another log", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("follow went on")
	}
	if len(folded) > 0 {
		t.Errorf("%s of another log was folded", <-folded)
	}
}
