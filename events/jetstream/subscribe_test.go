package jetstream

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/salvor-io/salvor/events"
)

// TestLongHandlerKeepsItsEvent: while a handler runs, however long, its event is given to no other subscriber.
func TestLongHandlerKeepsItsEvent(t *testing.T) {
	t.Parallel()
	log := openLog(t, embed(t, t.TempDir()), Options{})
	log.ackWait = time.Second
	if _, err := log.Append(t.Context(), sample(1)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	given := make(chan struct{}, 100)
	handle := func(context.Context, events.Recorded) error {
		given <- struct{}{}
		time.Sleep(4 * log.ackWait)
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
	if len(given) != 1 {
		t.Errorf("the event was given %d times, want once", len(given))
	}
}
