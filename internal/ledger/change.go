package ledger

import (
	"cmp"
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

// changeAttempts bounds how often a change of the budget is made anew because another came first.
const changeAttempts = 20

// appendWith adds a record in one atomic batch with the change that is due, given the budget of now.
func (l *Ledger) appendWith(ctx context.Context, inc *incident.Incident, rec incident.Record, due func(context.Context, Budget) (change, error)) (seq uint64, err error) {
	err = l.contend(ctx, func() error {
		seq, err = l.tryWith(ctx, inc, rec, due)
		if !errors.Is(err, errRefused) {
			return err
		}
		return cmp.Or(l.Current(ctx, inc), err)
	})
	return seq, err
}

func (l *Ledger) tryWith(ctx context.Context, inc *incident.Incident, rec incident.Record, due func(context.Context, Budget) (change, error)) (uint64, error) {
	now, err := l.Budget(ctx)
	if err != nil {
		return 0, err
	}
	c, err := due(ctx, now)
	if err != nil {
		return 0, err
	}
	if c.budget != nil {
		w, _, err := l.budgetWrite(*c.budget)
		if err != nil {
			return 0, err
		}
		c.writes = append(c.writes, w)
	}
	seq, err := l.append(ctx, inc, rec, c.writes)
	if err == nil && c.budget != nil {
		next := *c.budget
		next.seq = seq - 1 // it goes right before the record
		l.known.set(next)
	}
	return seq, err
}

// changeBudget stores what due makes of the budget, nil being no change. It tells due whether it was just read. That nothing is to be
// changed in one that was not, is only believed of one that is so still.
func (l *Ledger) changeBudget(ctx context.Context, still func(Budget) bool, due func(now Budget, read bool) (*Budget, error)) error {
	refused := false
	return l.contend(ctx, func() error {
		next, err := l.dueOf(ctx, still, due, refused)
		if err != nil || next == nil {
			return err
		}
		w, nonce, err := l.budgetWrite(*next)
		if err != nil {
			return err
		}
		if next.seq, err = l.store(ctx, nonce, w); err == nil {
			l.known.set(*next)
		}
		refused = true
		return err
	})
}

// dueOf asks about the budget as it is known: a change of one that is old will be refused at the write. It reads the budget where
// the write of before was refused, where nothing is to be changed in one that may be old, and before it says that a change may not be.
func (l *Ledger) dueOf(ctx context.Context, still func(Budget) bool, due func(Budget, bool) (*Budget, error), refused bool) (*Budget, error) {
	if !refused {
		now := l.known.get()
		if next, err := due(now, false); err == nil && (next != nil || still(now)) {
			return next, nil
		}
	}
	now, err := l.Budget(ctx)
	if err != nil {
		return nil, err
	}
	return due(now, true)
}

// budgetWrite replaces the budget that it was made of.
func (l *Ledger) budgetWrite(b Budget) (w write, nonce string, err error) {
	rec := budgetRecord{l.sign(), b}
	data, err := Document(rec)
	return write{subject: budgetSubject, expect: b.seq, data: data}, rec.Nonce, err
}

// contend repeats an attempt that errRefused alone ended. Those of one process go one by one: they all change the budget, so
// more at once would only refuse each other.
func (l *Ledger) contend(ctx context.Context, attempt func() error) error {
	select {
	case l.contending <- struct{}{}:
		defer func() { <-l.contending }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for n := range changeAttempts {
		err := attempt()
		if !errors.Is(err, errRefused) {
			return err
		}
		if err := sleep(ctx, jittered(n)); err != nil {
			return err
		}
	}
	return unavailable(errors.New("the budget is contended"))
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
