package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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

// TestKicksHandOverWhatWasOpened: the first look has the incident as it was opened; one that is asked for otherwise, or again
// after a failure, has it loaded.
func TestKicksHandOverWhatWasOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var loads []bool
		k := newKicks(func(_ context.Context, id incident.ID, inc *incident.Incident) error {
			mu.Lock()
			defer mu.Unlock()
			loads = append(loads, inc == nil)
			if len(loads) == 1 {
				return errors.New("away")
			}
			return nil
		}, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- k.Run(ctx) }()
		k.opened(&incident.Incident{ID: "one"})
		time.Sleep(2 * kickPause)
		k.add("one")
		synctest.Wait()
		cancel()
		if err := <-ended; err != nil || !slices.Equal(loads, []bool{false, true, true}) {
			t.Errorf("loaded at each look: %v, %v", loads, err)
		}
	})
}
