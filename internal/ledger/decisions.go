package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
)

// bytesAtOnce bounds what one direct read of decisions answers with, but for its first message.
const bytesAtOnce = 4 << 20

// Decisions calls give for each document of what policy was asked that was stored at from or later and before to, the oldest first,
// until give returns an error (it returns that). It reads in parts and holds one of them; each part has a deadline, and ctx bounds
// the whole. Any copy of the stream answers, which may lack what was stored in the last moments.
func (l *Ledger) Decisions(ctx context.Context, from, to time.Time, give func(incident.StoredDecision) error) error {
	q := query{Next: decisionPrefix + ">", StartTime: &from, Batch: readAtOnce, MaxBytes: bytesAtOnce}
	for {
		part, err := l.direct(ctx, DecisionsStream, q)
		if err != nil {
			return fmt.Errorf("read decisions after %d: %w", q.Seq, err)
		}
		for _, msg := range part {
			if !msg.At.Before(to) {
				return nil
			}
			if err := give(storedDecision(msg)); err != nil {
				return err
			}
		}
		if len(part) == 0 {
			return nil
		}
		q.StartTime, q.Seq = nil, endOf(part)+1
	}
}

// DecisionsBegin is when the oldest document was stored that is still kept, zero when there is none.
func (l *Ledger) DecisionsBegin(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, l.callWithin)
	defer cancel()
	stream, err := l.js.Stream(ctx, DecisionsStream)
	if err != nil {
		return time.Time{}, fmt.Errorf("look at stream %s: %w", DecisionsStream, unavailable(err))
	}
	if state := stream.CachedInfo().State; state.Msgs > 0 {
		return state.FirstTime, nil
	}
	return time.Time{}, nil
}
