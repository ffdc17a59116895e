package ledger

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
)

// change is what goes with a record in one batch: the budget as it will be, nil when it stays, and other writes.
type change struct {
	budget *Budget
	writes []write
}

// changeAttempts bounds how often a batch is made anew because other incidents changed the budget or a lock.
const changeAttempts = 20

// appendWith adds a record together with the change that is due, given the budget of now. Batches of one process go
// one by one: they all change the budget, so more at once would only refuse each other.
func (l *Ledger) appendWith(ctx context.Context, inc *incident.Incident, rec incident.Record, due func(context.Context, Budget) (change, error)) (uint64, error) {
	select {
	case l.batching <- struct{}{}:
		defer func() { <-l.batching }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	for attempt := range changeAttempts {
		seq, err := l.tryWith(ctx, inc, rec, due)
		if !errors.Is(err, errRefused) {
			return seq, err
		}
		if err := l.Current(ctx, inc); err != nil {
			return 0, err
		}
		if err := sleep(ctx, jittered(attempt)); err != nil {
			return 0, err
		}
	}
	return 0, unavailable(errors.New("the budget is contended"))
}

func (l *Ledger) tryWith(ctx context.Context, inc *incident.Incident, rec incident.Record, due func(context.Context, Budget) (change, error)) (uint64, error) {
	now, seq, err := l.budget(ctx)
	if err != nil {
		return 0, err
	}
	c, err := due(ctx, now)
	if err != nil {
		return 0, err
	}
	if c.budget != nil {
		data, err := document(budgetRecord{l.sign(), *c.budget})
		if err != nil {
			return 0, err
		}
		c.writes = append(c.writes, write{budgetSubject, seq, data})
	}
	return l.append(ctx, inc, rec, c.writes)
}

// sleep waits, and returns the error of ctx when that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// jittered is the wait before the next attempt of several that collide: up to 2 ms at first, up to 50 ms in the end.
func jittered(attempt int) time.Duration {
	most := min(2*time.Millisecond<<min(attempt, 8), 50*time.Millisecond)
	return rand.N(most) + time.Millisecond
}
