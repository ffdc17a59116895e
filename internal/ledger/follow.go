package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/salvor-io/salvor/internal/incident"
)

const (
	pullMessages  = 500
	pullBytes     = 8 << 20
	pullHeartbeat = 5 * time.Second // two that are missing end a reading
	forgetAfter   = time.Minute     // the server drops a reading nobody pulls from
	firstPause    = 50 * time.Millisecond
	longestPause  = 2 * time.Second
)

// Follow calls fold for each record of each incident in order, first those that are there, then those to come, until ctx ends
// (it returns nil) or fold returns an error (it returns that error). It never skips and never repeats; after a lost connection
// it goes on where it was. Between history and future it calls caughtUp once, if that is not nil.
//
// A record that cannot be read or is of another schema is given with its Incident and the schema it names; incident.Apply
// refuses it.
func (l *Ledger) Follow(ctx context.Context, fold func(incident.Sequenced) error, caughtUp func()) error {
	f := &follower{ledger: l, fold: fold, caughtUp: caughtUp}
	for wait := firstPause; ; wait = min(2*wait, longestPause) {
		before := f.last
		err := f.read(ctx)
		var stop stopError
		switch {
		case errors.As(err, &stop):
			return stop.error
		case ctx.Err() != nil:
			return nil
		case f.last != before:
			wait = firstPause
		}
		l.log.Debug("follower of incidents begins anew", "after", f.last, "error", err)
		_ = sleep(ctx, wait) // the next reading ends at once when ctx has ended
	}
}

// stopError is an error of fold, which ends the following.
type stopError struct{ error }

// follower folds all records. It is used by one goroutine.
type follower struct {
	ledger   *Ledger
	fold     func(incident.Sequenced) error
	caughtUp func() // nil after it was called
	last     uint64 // sequence of what was folded last
	target   uint64 // where the history ended when following began
	placed   bool   // target is known
}

// read folds through one consumer until that breaks. It always returns an error.
func (f *follower) read(ctx context.Context) error {
	ctx, cancel := f.ledger.untilReconnected(ctx)
	defer cancel()
	if err := f.place(ctx); err != nil {
		return err
	}
	it, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer it.Stop()
	for delivered := uint64(1); ; delivered++ {
		msg, err := it.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("read records after %d: %w", f.last, err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("read records after %d: %w", f.last, err)
		}
		if meta.Sequence.Consumer != delivered || meta.Sequence.Stream <= f.last {
			return fmt.Errorf("read records after %d: delivery %d came as %d with record %d", f.last, delivered, meta.Sequence.Consumer, meta.Sequence.Stream)
		}
		if err := f.take(stored{msg.Subject(), meta.Sequence.Stream, msg.Data(), meta.Timestamp}); err != nil {
			return err
		}
	}
}

// place finds where the history ends now, once, and each time that it does not end before what was folded.
func (f *follower) place(ctx context.Context) error {
	looking, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	stream, err := f.ledger.js.Stream(looking, IncidentsStream)
	if err != nil {
		return fmt.Errorf("look at stream %s: %w", IncidentsStream, err)
	}
	if end := stream.CachedInfo().State.LastSeq; end < f.last {
		return stopError{fmt.Errorf("follow incidents: record %d was folded, but the ledger ends at %d; it is not the same any more: start anew", f.last, end)}
	}
	if f.placed {
		return nil
	}
	msg, err := f.ledger.last(ctx, anyIncident)
	if err != nil {
		return err
	}
	if msg != nil {
		f.target = msg.Seq
	}
	f.placed = true
	f.catchUp()
	return nil
}

// open starts reading after what was folded last, through a consumer that the server forgets with it.
func (f *follower) open(ctx context.Context) (jetstream.MessagesContext, error) {
	creating, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	consumer, err := f.ledger.js.CreateConsumer(creating, IncidentsStream, jetstream.ConsumerConfig{
		FilterSubject:     anyIncident,
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       f.last + 1,
		AckPolicy:         jetstream.AckNonePolicy,
		InactiveThreshold: forgetAfter,
		MemoryStorage:     true,
		Replicas:          1,
	})
	if err != nil {
		return nil, fmt.Errorf("create consumer of %s: %w", IncidentsStream, err)
	}
	return consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(pullMessages, pullBytes),
		jetstream.PullHeartbeat(pullHeartbeat), jetstream.WithMessagesErrOnMissingHeartbeat(true))
}

func (f *follower) take(msg stored) error {
	if err := f.fold(record(msg)); err != nil {
		return stopError{err}
	}
	f.last = msg.Seq
	f.catchUp()
	return nil
}

func (f *follower) catchUp() {
	if f.caughtUp != nil && f.last >= f.target {
		f.caughtUp()
		f.caughtUp = nil
	}
}

// untilReconnected is ctx, ended also by the next reconnection, after which no answer to an earlier request comes. The function
// it gives is to be called when it is not needed any more.
func (l *Ledger) untilReconnected(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	connected := l.nc.StatusChanged(nats.CONNECTED)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer l.nc.RemoveStatusListener(connected)
		defer cancel()
		select {
		case <-connected:
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel()
		<-done
	}
}
