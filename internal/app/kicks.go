package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
)

// kicks looks for the next move of incidents whose fault looks different than before. One incident is looked at by one
// goroutine at a time, and waits at most once; a look that failed is repeated until it succeeds. None is ever forgotten: what
// waits is bounded by the incidents there are.
type kicks struct {
	move   moving
	logger *slog.Logger
	ended  chan outcome

	mu     sync.Mutex
	inbox  map[incident.ID]*incident.Incident // as it was opened, nil to be loaded
	filled chan struct{}                      // takes one when inbox is not empty
}

// moving makes the next moves of an incident, which is loaded when it is nil.
type moving func(ctx context.Context, id incident.ID, inc *incident.Incident) error

type outcome struct {
	id  incident.ID
	err error
}

// kickPause is the pause before a failed look is repeated.
const kickPause = time.Second

func newKicks(move moving, logger *slog.Logger) *kicks {
	return &kicks{move: move, logger: logger, inbox: map[incident.ID]*incident.Incident{}, filled: make(chan struct{}, 1), ended: make(chan outcome)}
}

// add asks for a look at an incident. It never blocks, and may be called before Run.
func (k *kicks) add(id incident.ID) { k.put(id, nil) }

// opened asks for a look at an incident that was just opened, and so need not be loaded.
func (k *kicks) opened(inc *incident.Incident) { k.put(inc.ID, inc) }

func (k *kicks) put(id incident.ID, inc *incident.Incident) {
	k.mu.Lock()
	k.inbox[id] = inc
	k.mu.Unlock()
	select {
	case k.filled <- struct{}{}:
	default: // it is known already
	}
}

func (k *kicks) take() map[incident.ID]*incident.Incident {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := k.inbox
	k.inbox = map[incident.ID]*incident.Incident{}
	return all
}

// Run works until ctx ends and all looks have ended.
func (k *kicks) Run(ctx context.Context) error {
	busy := map[incident.ID]bool{} // the value: wanted again
	for {
		select {
		case <-k.filled:
			for id, inc := range k.take() {
				if _, ok := busy[id]; ok {
					busy[id] = true
					continue
				}
				busy[id] = false
				go k.look(ctx, id, inc)
			}
		case end := <-k.ended:
			again := busy[end.id] || end.err != nil
			delete(busy, end.id)
			if again && ctx.Err() == nil {
				busy[end.id] = false
				go k.look(ctx, end.id, nil)
			}
		case <-ctx.Done():
			for range busy {
				<-k.ended
			}
			return nil
		}
	}
}

func (k *kicks) look(ctx context.Context, id incident.ID, inc *incident.Incident) {
	err := k.move(ctx, id, inc)
	if err != nil && ctx.Err() == nil {
		k.logger.Debug("incident not moved, will look again", "incident", id.Name(), "error", err)
		select {
		case <-time.After(kickPause):
		case <-ctx.Done():
		}
	}
	k.ended <- outcome{id, err}
}
