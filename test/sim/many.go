package sim

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Total is what came of many seeds.
type Total struct {
	Seeds     int
	Bad       int // seeds that went wrong
	FirstBad  uint64
	Missed    int // disasters
	Disasters int
	FalseWide int
	Effects   int
	Incidents int
	Lives     int
	Events    int
	Seen      Matrix
	Duties    Duties
}

// Many runs seeds, several at a time, and calls each with the result of each that went wrong, in no order.
func (l *Lab) Many(ctx context.Context, first, seeds uint64, workers int, bug Bug, each func(Result)) (Total, error) {
	total := Total{Seen: Matrix{}, Duties: Duties{}}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for seed := first; seed < first+seeds; seed++ {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			r, err := l.Run(ctx, seed, bug)
			if err != nil {
				return fmt.Errorf("seed %d: %w", seed, err)
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(r)
			if r.bad() {
				each(r)
			}
			return nil
		})
	}
	return total, group.Wait()
}

func (r Result) bad() bool { return len(r.Complaints()) > 0 }

func (t *Total) add(r Result) {
	t.Seeds++
	if r.bad() {
		if t.Bad++; t.Bad == 1 || r.Seed < t.FirstBad {
			t.FirstBad = r.Seed
		}
	}
	t.Missed += len(r.Missed)
	t.FalseWide += r.FalseWide
	t.Effects += r.Effects
	t.Incidents += r.Incidents
	t.Lives += r.Lives
	t.Events += r.Events
	for _, row := range r.Seen {
		for _, n := range row {
			t.Disasters += n
		}
	}
	t.Seen.Add(r.Seen)
	t.Duties.Add(r.Duties)
}

// String sums up.
func (t Total) String() string {
	return fmt.Sprintf("%d seeds, %d bad: %d disasters, %d missed, %d wide faults that were none; %d incidents, %d effects, %d lives, %d events",
		t.Seeds, t.Bad, t.Disasters, t.Missed, t.FalseWide, t.Incidents, t.Effects, t.Lives, t.Events)
}
