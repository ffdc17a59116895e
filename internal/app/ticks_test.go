package app

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/salvor-io/salvor/events"
)

// seconds takes in ticks.
type seconds struct {
	events.Log
	ids []string
}

func (s *seconds) Append(_ context.Context, evs ...events.Event) ([]events.Receipt, error) {
	for _, ev := range evs {
		s.ids = append(s.ids, ev.ID)
	}
	return make([]events.Receipt, len(evs)), nil
}

// TestTicks: the first at once, then one at each whole second.
func TestTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(300 * time.Millisecond)
		log := &seconds{}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- ticks{log, slog.New(slog.DiscardHandler)}.Run(ctx) }()
		synctest.Wait()
		if len(log.ids) != 1 {
			t.Errorf("%v at once, want one tick", log.ids)
		}
		time.Sleep(2701 * time.Millisecond) // 0.3 s to 3.001 s
		synctest.Wait()
		stop()
		if err := <-done; err != nil || len(log.ids) != 4 {
			t.Errorf("%v, %v, want one for each second", log.ids, err)
		}
	})
}
