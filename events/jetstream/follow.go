package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/salvor-io/salvor/events"
)

const (
	pullMessages  = 500              // messages that a follower holds unfolded, at most
	pullBytes     = 8 << 20          // and their bytes
	pullExpiry    = 30 * time.Second // of one pull request
	pullHeartbeat = 5 * time.Second  // two that are missing end a reading
	apiWithin     = 5 * time.Second  // one question to the server
	forgetAfter   = time.Minute      // the server drops a reading nobody pulls from
	rewindWithin  = 10 * time.Second // how long a replica that catches up may end before what was folded
	firstPause    = 50 * time.Millisecond
	longestPause  = 2 * time.Second
)

// Follow implements [events.Log]. It reads through consumers of its own that the server forgets with it; each one that
// breaks is replaced by one that begins after what was folded last. It returns an error also when the log does not have
// what was folded, for then it is not the same log any more, and [events.ErrClosed] when the Log is closed.
func (l *Log) Follow(ctx context.Context, after uint64, fold func(events.Recorded) error, caughtUp func()) error {
	ctx, cancel := l.untilClosed(ctx)
	defer cancel()
	f := &follower{log: l, last: after, fold: fold, caughtUp: caughtUp}
	for wait := firstPause; ; wait = min(2*wait, longestPause) {
		before := f.last
		err := f.read(ctx)
		if ctx.Err() != nil {
			return ended(ctx)
		}
		if stop := f.stopsAt(err); stop != nil {
			return stop
		}
		if f.last != before {
			wait = firstPause
		}
		l.log.Debug("follower begins anew", "after", f.last, "error", err)
		pause(ctx, wait)
	}
}

var errRewound = errors.New("it is not the log that was folded any more: fold it from its beginning")

// stopError is an error of fold, which ends the following.
type stopError struct{ error }

// follower folds one log. It is used by one goroutine.
type follower struct {
	log      *Log
	rewound  time.Time // since when the log seems to be another one; zero when it does not
	last     uint64    // place of what was folded last
	lastAt   time.Time // when that was accepted; zero when it was folded before following began
	fold     func(events.Recorded) error
	caughtUp func() // nil after it was called
	target   uint64 // where the history ended when following began
	placed   bool   // target is known
}

// read folds through one consumer until it breaks. It returns always with an error.
func (f *follower) read(ctx context.Context) error {
	ctx, cancel := f.log.untilReconnected(ctx)
	defer cancel()
	it, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer it.Stop()
	for delivered := uint64(1); ; delivered++ {
		msg, err := it.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("read events after %d: %w", f.last, err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("read events after %d: %w", f.last, err)
		}
		if meta.Sequence.Consumer != delivered || meta.Sequence.Stream <= f.last {
			return fmt.Errorf("read events after %d: delivery %d came as %d with event %d", f.last,
				delivered, meta.Sequence.Consumer, meta.Sequence.Stream)
		}
		if err := f.take(ctx, msg, meta); err != nil {
			return err
		}
	}
}

// stopsAt is the error that ends the following, nil when err only ends a reading.
func (f *follower) stopsAt(err error) error {
	var stop stopError
	if errors.As(err, &stop) {
		return stop.error
	}
	if !errors.Is(err, errRewound) {
		f.rewound = time.Time{}
		return nil
	}
	if f.rewound.IsZero() {
		f.rewound = time.Now()
	}
	if f.log.conn.Replicas() == 1 || time.Since(f.rewound) > rewindWithin {
		return err
	}
	return nil
}

// open starts reading after what was folded last.
func (f *follower) open(ctx context.Context) (jetstream.MessagesContext, error) {
	ctx, cancel := context.WithTimeout(ctx, apiWithin)
	defer cancel()
	stream, err := f.log.conn.JetStream().Stream(ctx, EventsStream)
	if err != nil {
		return nil, fmt.Errorf("look at stream %s: %w", EventsStream, err)
	}
	if err := f.checkSame(ctx, stream); err != nil {
		return nil, err
	}
	if !f.placed {
		f.target, f.placed = stream.CachedInfo().State.LastSeq, true
	}
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       f.last + 1,
		AckPolicy:         jetstream.AckNonePolicy,
		InactiveThreshold: forgetAfter,
		MemoryStorage:     true,
		Replicas:          1,
	})
	if err != nil {
		return nil, fmt.Errorf("create consumer of %s: %w", EventsStream, err)
	}
	if consumer.CachedInfo().NumPending == 0 {
		f.catchUp()
	}
	return consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(pullMessages, pullBytes),
		jetstream.PullExpiry(pullExpiry), jetstream.PullHeartbeat(pullHeartbeat),
		jetstream.WithMessagesErrOnMissingHeartbeat(true))
}

// checkSame says whether the stream has at its place what was folded last. A disk that filled up in the middle of a batch
// can make a server forget what it had delivered, though not acknowledged, and give the place to another event.
func (f *follower) checkSame(ctx context.Context, stream jetstream.Stream) error {
	if end := stream.CachedInfo().State.LastSeq; end < f.last {
		return fmt.Errorf("read events after %d, the last is %d: %w", f.last, end, errRewound)
	}
	if f.lastAt.IsZero() {
		return nil
	}
	there, err := stream.GetMsg(ctx, f.last)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil // dropped for newer ones of its subject
	}
	if err != nil {
		return fmt.Errorf("look at event %d: %w", f.last, err)
	}
	if !there.Time.Equal(f.lastAt) {
		return fmt.Errorf("event %d is another than the one folded: %w", f.last, errRewound)
	}
	return nil
}

// take folds one message, or buries it when it is no event.
func (f *follower) take(ctx context.Context, msg jetstream.Msg, meta *jetstream.MsgMetadata) error {
	if meta.Sequence.Stream > f.target {
		f.catchUp()
	}
	ev, err := decode(msg)
	if err != nil {
		if err := f.log.bury(ctx, "undecodable", msg, meta.Sequence.Stream, err); err != nil {
			return err
		}
	} else if err := f.fold(ev); err != nil {
		return stopError{err}
	}
	f.last, f.lastAt = meta.Sequence.Stream, meta.Timestamp
	if meta.Sequence.Stream >= f.target || meta.NumPending == 0 {
		f.catchUp()
	}
	return nil
}

func (f *follower) catchUp() {
	if f.caughtUp != nil {
		f.caughtUp()
		f.caughtUp = nil
	}
}
