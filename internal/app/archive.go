package app

import (
	"context"
	"log/slog"
	"time"
)

// archiveEvery is the pause between two rounds of an archiver.
const archiveEvery = 10 * time.Minute

// archiver keeps what is stored of incidents within bounds: it archives those that ended long ago and removes old revisions.
// Every replica runs one; none leads.
type archiver struct {
	ledger interface {
		Archive(ctx context.Context, endedBefore time.Time) error
		Compact(ctx context.Context) error
	}
	now    func() time.Time // of the view, by which the index forgets as well
	after  time.Duration    // from the end of an incident to its archiving
	logger *slog.Logger
}

func (a *App) archiver() archiver {
	return archiver{a.store.ledger, a.pipeline.Time, a.cfg.Times.ArchiveAfter, a.opt.Log.With("part", "archive")}
}

// Run makes a round at once and one every ten minutes until ctx ends. What a round leaves undone is left to the next.
func (a archiver) Run(ctx context.Context) error {
	again := time.NewTicker(archiveEvery)
	defer again.Stop()
	for {
		a.round(ctx)
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// round does one thing even when the other fails: each makes room.
func (a archiver) round(ctx context.Context) {
	for _, tidy := range []func(context.Context) error{
		func(ctx context.Context) error { return a.ledger.Archive(ctx, a.now().Add(-a.after)) },
		a.ledger.Compact,
	} {
		if err := tidy(ctx); err != nil && ctx.Err() == nil {
			a.logger.Warn("what is stored of old incidents was not tidied up, will try again", "error", err)
		}
	}
}
