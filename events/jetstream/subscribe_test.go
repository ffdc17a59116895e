package jetstream

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/salvor-io/salvor/events"
)

// TestLongHandlerKeepsItsEvent: while a handler runs, however long, its event is given to no other subscriber. A busy machine may not say
// within a second that it goes on.
func TestLongHandlerKeepsItsEvent(t *testing.T) {
	t.Parallel()
	given := 0
	for _, ackWait := range []time.Duration{time.Second, 5 * time.Second} {
		if given = timesGiven(t, ackWait); given == 1 {
			return
		}
	}
	t.Errorf("the event was given %d times, want once", given)
}

// timesGiven is how often an event is given to two subscribers, of whom the first takes four times as long as an acknowledgement may.
func timesGiven(t *testing.T, ackWait time.Duration) int {
	t.Helper()
	log := openLog(t, embed(t, t.TempDir()), Options{})
	log.ackWait = ackWait
	if _, err := log.Append(t.Context(), sample(1)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	given := make(chan struct{}, 100)
	handle := func(context.Context, events.Recorded) error {
		given <- struct{}{}
		time.Sleep(4 * ackWait)
		cancel()
		return nil
	}
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if err := log.Subscribe(ctx, "work", handle); err != nil {
				t.Errorf("subscribe: %v", err)
			}
		})
	}
	both.Wait()
	return len(given)
}
