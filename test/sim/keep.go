package sim

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/export"
	"github.com/salvor-io/salvor/internal/ledger"
)

// Keep runs a seed again and writes what Salvor recorded of it, as an export of a running one does, with what went wrong before it.
// "salvor replay" judges it again, and shows what a change of Salvor makes of it.
func (l *Lab) Keep(ctx context.Context, seed uint64, bug Bug, w io.Writer) error {
	r, result, err := l.run(ctx, seed, bug)
	if err != nil {
		return err
	}
	command := fmt.Sprintf("make sim SEEDS=1 FROM=%d TRACE=1", seed)
	if bug != NoBug {
		command += fmt.Sprintf(" BUG=%q", bug)
	}
	if _, err := fmt.Fprintf(w, "Seed %d of the simulation. What went wrong:\n%s\nRun it again, and see each event and record: %s\n\n", seed, strings.Join(result.Complaints(), "\n")+"\n", command); err != nil {
		return err
	}
	e := export.New(export.Options{Log: r.log, Past: r.store, Decisions: r.store.Writer("export"), Missing: ledger.ErrNotFound, Config: r.house.cfg, Rules: r.house, Version: "simulated",
		Clock: r.clock.Now})
	return e.Export(ctx, w, r.start, r.clock.Now())
}

// Follow implements export.Log: it gives all that the journal has, and nothing comes after.
func (j *journal) Follow(ctx context.Context, after uint64, fold func(events.Recorded) error, caughtUp func()) error {
	for _, ev := range j.events[min(after, uint64(len(j.events))):] {
		if err := fold(ev); err != nil {
			return err
		}
	}
	caughtUp()
	<-ctx.Done()
	return nil
}
