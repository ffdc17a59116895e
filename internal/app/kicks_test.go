package app

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/salvor-io/salvor/internal/incident"
)

// TestKicksForgetNone: all that was asked for before anybody looked is looked at, however much it is, and each once.
func TestKicksForgetNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		looked := map[incident.ID]int{}
		k := newKicks(func(_ context.Context, id incident.ID, _ *incident.Incident) error {
			mu.Lock()
			defer mu.Unlock()
			looked[id]++
			return nil
		}, slog.New(slog.DiscardHandler))
		const many = 5000
		for n := range many {
			k.add(incident.ID(fmt.Sprint(n)))
			k.add(incident.ID(fmt.Sprint(n)))
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- k.Run(ctx) }()
		synctest.Wait()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if len(looked) != many {
			t.Errorf("%d incidents were looked at, want %d", len(looked), many)
		}
		for id, n := range looked {
			if n != 1 {
				t.Errorf("%s was looked at %d times", id, n)
			}
		}
	})
}
