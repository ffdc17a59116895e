package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// recentAtOnce is how many sequences are read at once: a decision has 256 KiB at most.
const recentAtOnce = 200

// RecentDecisions gives the stored decisions, the newest first, back to a time, until each says that it has enough. It holds 200 of
// them at most. What is removed meanwhile, because it is too old, is left out.
func (l *Ledger) RecentDecisions(ctx context.Context, since time.Time, each func(doc json.RawMessage) (more bool)) error {
	first, last, err := l.bounds(ctx, DecisionsStream)
	if err != nil {
		return fmt.Errorf("read recent decisions: %w", err)
	}
	for end := last; end >= first && end > 0; {
		begin := max(first, end-min(end, recentAtOnce)+1)
		block, err := l.block(ctx, begin, end)
		if err != nil {
			return fmt.Errorf("read recent decisions: %w", err)
		}
		for i := len(block) - 1; i >= 0; i-- {
			if block[i].At.Before(since) || !each(block[i].Data) {
				return nil
			}
		}
		end = begin - 1
	}
	return nil
}

// block reads the decisions of some sequences, in order. An answer may hold fewer than were asked for.
func (l *Ledger) block(ctx context.Context, begin, end uint64) ([]stored, error) {
	var all []stored
	for begin <= end {
		part, err := l.direct(ctx, DecisionsStream, query{Next: decisionPrefix + ">", Seq: begin, Batch: int(end - begin + 1), MaxBytes: bytesAtOnce})
		if err != nil || len(part) == 0 {
			return all, err
		}
		for _, msg := range part {
			if msg.Seq <= end {
				all = append(all, msg)
			}
		}
		begin = endOf(part) + 1
	}
	return all, nil
}

// bounds are the first and the last sequence of a stream.
func (l *Ledger) bounds(ctx context.Context, stream string) (first, last uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.callWithin)
	defer cancel()
	s, err := l.js.Stream(ctx, stream)
	if err != nil {
		return 0, 0, unavailable(err)
	}
	state := s.CachedInfo().State
	return state.FirstSeq, state.LastSeq, nil
}
