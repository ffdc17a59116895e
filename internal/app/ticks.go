package app

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/clock"
)

// ticks appends one tick a second, which makes time pass in the view; the first at once, since a view without time is not ready. Its event
// ID is the second, so that any number of replicas make one tick. A second that the log does not take is left out.
type ticks struct {
	log    events.Log
	logger *slog.Logger
}

// Run implements events.Source.
func (t ticks) Run(ctx context.Context) error {
	for {
		now := time.Now()
		if err := t.tick(ctx, now); err != nil && ctx.Err() == nil {
			t.logger.Warn("no tick was recorded, time stands still in the view", "error", err)
		}
		if !clock.Sleep(ctx, time.Until(now.Truncate(time.Second).Add(time.Second))) {
			return nil
		}
	}
}

func (t ticks) tick(ctx context.Context, at time.Time) error {
	second := at.Unix()
	ev, err := events.New("tick/"+strconv.FormatInt(second, 10), events.TypeTick, "/salvor/clock", events.Fleet, "tick/clock", at, events.Tick{Second: second})
	if err != nil {
		return err
	}
	_, err = t.log.Append(ctx, ev)
	return err
}
