package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
)

// kicks looks for the next move of incidents whose fault looks different than before. One incident is looked at by one
// goroutine at a time, and waits at most once; a look that failed is repeated until it succeeds.
type kicks struct {
	move   func(context.Context, incident.ID) error
	logger *slog.Logger
	inbox  chan incident.ID
	ended  chan outcome
}

type outcome struct {
	id  incident.ID
	err error
}

// kickPause is the pause before a failed look is repeated.
const kickPause = time.Second

func newKicks(move func(context.Context, incident.ID) error, logger *slog.Logger) *kicks {
	return &kicks{move: move, logger: logger, inbox: make(chan incident.ID, 1024), ended: make(chan outcome)}
}

// add asks for a look at an incident. It never blocks: when the inbox is full the incident's own timer or record has to do.
func (k *kicks) add(id incident.ID) {
	select {
	case k.inbox <- id:
	default:
		k.logger.Warn("too many incidents want to be looked at at once", "incident", id.Name())
	}
}

// Run works until ctx ends and all looks have ended.
func (k *kicks) Run(ctx context.Context) error {
	busy := map[incident.ID]bool{} // the value: wanted again
	for {
		select {
		case id := <-k.inbox:
			if _, ok := busy[id]; ok {
				busy[id] = true
				continue
			}
			busy[id] = false
			go k.look(ctx, id)
		case end := <-k.ended:
			again := busy[end.id] || end.err != nil
			delete(busy, end.id)
			if again && ctx.Err() == nil {
				busy[end.id] = false
				go k.look(ctx, end.id)
			}
		case <-ctx.Done():
			for range busy {
				<-k.ended
			}
			return nil
		}
	}
}

func (k *kicks) look(ctx context.Context, id incident.ID) {
	err := k.move(ctx, id)
	if err != nil && ctx.Err() == nil {
		k.logger.Debug("incident not moved, will look again", "incident", id.Name(), "error", err)
		select {
		case <-time.After(kickPause):
		case <-ctx.Done():
		}
	}
	k.ended <- outcome{id, err}
}
