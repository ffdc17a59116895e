package volume

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/salvor-io/salvor/responders"
)

// Between two looks at a world that has to come round by itself pass these.
const (
	firstPause   = 200 * time.Millisecond
	longestPause = 5 * time.Second
)

// conflicts is how often in a row an object may change between look and write before a step gives up.
const conflicts = 5

// move is what has to happen next, as the world stands: a write, or nothing but waiting. The zero move is the end.
type move struct {
	open string // what is not so yet, a sentence; empty at the end
	do   func(ctx context.Context) error
	done int // how many stages are behind

	against func(ctx context.Context) (string, error) // what speaks against what is waited for; nil where that cannot be asked
	undo    func(ctx context.Context) error           // takes back what the step has made, where it can be refused
}

// enough is how many times as many writes as there are stages a step makes before it gives up.
const enough = 4

// drive looks and moves, one write a look, until nothing is open or ctx ends. It knows nothing but what it sees, so that it goes on wherever
// another one stopped.
func drive(ctx context.Context, stages int, next func(context.Context) (move, error)) error {
	pause, lost, writes, against := firstPause, 0, 0, &setback{}
	for {
		m, err := next(ctx)
		if err != nil {
			return err
		}
		responders.Progress(ctx, m.done, stages, "stages done")
		switch {
		case m.open == "":
			return nil
		case m.do == nil:
			if err := against.check(ctx, m); err != nil {
				return err
			}
			if !rest(ctx, pause) {
				return fmt.Errorf("%s%s: %w", m.open, against.because(), ctx.Err())
			}
			pause = min(2*pause, longestPause)
			continue
		}
		against.forget()
		if writes++; writes > enough*stages {
			return fmt.Errorf("%s: %d writes did not lead to the end, somebody else takes them back", m.open, writes-1)
		}
		err = m.do(ctx)
		if lost++; err == nil {
			lost, pause = 0, firstPause
		} else if !apierrors.IsConflict(err) || lost >= conflicts {
			return err
		}
	}
}

// rest waits, and says no when ctx ended before.
func rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
