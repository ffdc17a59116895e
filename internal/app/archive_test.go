package app

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// rounds counts what an archiver asks of a ledger that always fails.
type rounds struct{ before, compacted []time.Time }

func (r *rounds) Archive(_ context.Context, before time.Time) error {
	r.before = append(r.before, before)
	return errors.New("away")
}

func (r *rounds) Compact(context.Context) error {
	r.compacted = append(r.compacted, time.Now())
	return errors.New("away")
}

// An archiver makes a round at once and then at its pace, goes by the time of the view, and outlives failures.
func TestArchiverKeepsItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, seen := time.Now(), &rounds{}
		view := func() time.Time { return time.Now().Add(-time.Minute) }
		ctx, cancel := context.WithTimeout(t.Context(), 2*archiveEvery+time.Second)
		defer cancel()
		if err := (archiver{seen, view, 24 * time.Hour, slog.New(slog.DiscardHandler)}).Run(ctx); err != nil {
			t.Fatal(err)
		}
		if len(seen.before) != 3 || len(seen.compacted) != 3 {
			t.Fatalf("archived %d times, compacted %d times, want 3", len(seen.before), len(seen.compacted))
		}
		for n, before := range seen.before {
			if want := began.Add(time.Duration(n)*archiveEvery - time.Minute - 24*time.Hour); !before.Equal(want) {
				t.Errorf("round %d archives what ended before %s, want %s", n, before, want)
			}
		}
	})
}
