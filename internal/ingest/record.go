package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/salvor-io/salvor/events"
)

// slot is a share in the posts in flight. It is held by the request and by the recording it began, and free when both
// have left it: a Log that hangs cannot gather more work than there are slots.
type slot struct {
	pool    chan struct{}
	holders atomic.Int32
}

func (in *Intake) slot() (*slot, bool) {
	select {
	case in.slots <- struct{}{}:
		held := &slot{pool: in.slots}
		held.holders.Store(1)
		return held, true
	default:
		return nil, false
	}
}

func (s *slot) join() { s.holders.Add(1) }

func (s *slot) leave() {
	if s.holders.Add(-1) == 0 {
		<-s.pool
	}
}

type recording struct {
	tally   Tally
	refused *refusal
}

// record makes a post's harvest durable, and is back in time even if the Log is not. It goes on when the client has gone
// away: what was sent is better recorded than sent again.
func (in *Intake) record(parent context.Context, held *slot, subject string, got harvest) (Tally, *refusal) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(parent), in.opts.AnswerWithin)
	defer cancel()
	done := make(chan recording, 1)
	held.join()
	go func() {
		defer held.leave()
		done <- in.keep(ctx, subject, got)
	}()
	select {
	case r := <-done:
		return r.tally, r.refused
	case <-ctx.Done():
		return Tally{}, doubt(fmt.Errorf("the event log did not answer within %v", in.opts.AnswerWithin))
	}
}

// keep appends the events and then lays down the rejected items, so that a bad item never costs a good one.
func (in *Intake) keep(ctx context.Context, subject string, got harvest) (out recording) {
	defer func() {
		if cause := recover(); cause != nil {
			out = recording{refused: in.panicked(cause)}
		}
	}()
	tally, refused, err := in.appendEvents(ctx, got.events)
	if err != nil {
		return recording{refused: doubt(err)}
	}
	dead := slices.Concat(got.rejected, refused)
	if err := in.layDown(ctx, subject, dead); err != nil {
		return recording{refused: doubt(err)}
	}
	tally.Dead = len(dead)
	return recording{tally: tally}
}

// appendEvents appends all, and halves them when the Log says that no retry can mend one of them, until those stand alone.
func (in *Intake) appendEvents(ctx context.Context, evs []events.Event) (Tally, []rejected, error) {
	if len(evs) == 0 {
		return Tally{}, nil, nil
	}
	receipts, err := in.opts.Log.Append(ctx, evs...)
	switch {
	case err == nil && len(receipts) != len(evs):
		return Tally{}, nil, errors.New("append events: the log gave another number of receipts")
	case err == nil:
		return tallyOf(receipts), nil, nil
	case !events.IsPermanent(err):
		return Tally{}, nil, fmt.Errorf("append events: %w", err)
	case len(evs) == 1:
		return Tally{}, []rejected{{Err: err, Data: evs[0].Data}}, nil
	}
	first, bad, err := in.appendEvents(ctx, evs[:len(evs)/2])
	if err != nil {
		return Tally{}, nil, err
	}
	second, worse, err := in.appendEvents(ctx, evs[len(evs)/2:])
	return first.plus(second), append(bad, worse...), err
}

func tallyOf(receipts []events.Receipt) Tally {
	var tally Tally
	for _, receipt := range receipts {
		if receipt.Duplicate {
			tally.Duplicate++
			continue
		}
		tally.Recorded++
	}
	return tally
}
