package chronicle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/salvor-io/salvor/internal/clock"
	"github.com/salvor-io/salvor/internal/ledger"
)

// ConfigTrail is the trail of the configuration, modes and people included.
const ConfigTrail = "config"

const (
	keepAgain = 5 * time.Second // after the state could not be recorded
	keepMost  = time.Minute

	entryHolds = 100 // changes of one entry, each of at most a few texts of longest bytes
	entryBytes = 32 << 10
	attempts   = 10 // to append, while others do
)

// Trails keeps trails, with the promises of package ledger.
type Trails interface {
	Trail(ctx context.Context, trail string) ([]ledger.Placed, error)
	AppendTrail(ctx context.Context, trail string, after uint64, e ledger.TrailEntry) (ledger.Placed, error)
}

// Keep records what has changed of the state since it was recorded last, by whichever replica, and returns once that is done or ctx
// has ended. Where it fails it tries again, ever less often: nothing waits for it.
func Keep(ctx context.Context, trails Trails, replica string, now State, log *slog.Logger) error {
	for wait := keepAgain; ; wait = min(2*wait, keepMost) {
		n, err := record(ctx, trails, replica, now)
		if n > 0 {
			log.Info("changes of the configuration were recorded", "changes", n)
		}
		if err == nil || ctx.Err() != nil {
			return nil
		}
		log.Warn("changes of the configuration are not recorded yet, trying again", "error", err, "after", wait)
		if !clock.Sleep(ctx, wait) {
			return nil
		}
	}
}

// record appends the changes that are due, and says how many. Where somebody else appends meanwhile, it looks again.
func record(ctx context.Context, trails Trails, replica string, now State) (recorded int, err error) {
	for range attempts {
		var n int
		n, err = recordOnce(ctx, trails, replica, now)
		recorded += n
		if !errors.Is(err, ledger.ErrLost) {
			break
		}
	}
	return recorded, err
}

func recordOnce(ctx context.Context, trails Trails, replica string, now State) (recorded int, err error) {
	entries, err := trails.Trail(ctx, ConfigTrail)
	if err != nil {
		return 0, err
	}
	before, err := known(entries)
	if err != nil {
		return 0, err
	}
	after := endOf(entries)
	for _, part := range parts(before.changes(now)) {
		e, err := entryOf(part, replica)
		if err != nil {
			return recorded, err
		}
		placed, err := trails.AppendTrail(ctx, ConfigTrail, after, e)
		if err != nil {
			return recorded, err
		}
		after, recorded = placed.Seq, recorded+len(part)
	}
	return recorded, nil
}

// parts are the changes of each kind, as many at once as one entry holds.
func parts(changes []Change) [][]Change {
	var out [][]Change
	for _, kind := range []string{KindMode, KindPeople, KindConfig} {
		var part []Change
		size := 0
		for _, c := range changes {
			if c.kind() != kind {
				continue
			}
			if len(part) == entryHolds || size > entryBytes {
				out, part, size = append(out, part), nil, 0
			}
			part, size = append(part, c), size+len(c.What)+len(c.From)+len(c.To)
		}
		if len(part) > 0 {
			out = append(out, part)
		}
	}
	return out
}

func entryOf(changes []Change, replica string) (ledger.TrailEntry, error) {
	text, err := json.Marshal(detail{changes})
	if err != nil {
		return ledger.TrailEntry{}, fmt.Errorf("render changes: %w", err)
	}
	return ledger.TrailEntry{Kind: changes[0].kind(), At: time.Now().UTC(), Who: replica, Text: sentence(changes), Detail: text}, nil
}

// endOf is the sequence of the last entry, 0 where there is none.
func endOf(entries []ledger.Placed) uint64 {
	if len(entries) == 0 {
		return 0
	}
	return entries[len(entries)-1].Seq
}
