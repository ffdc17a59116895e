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
// (it returns nil) or fold returns an error (it returns that error). It never repeats, and of an incident that was begun it never
// skips a record; after a lost connection it goes on where it was. Between history and future it calls caughtUp once, if that is
// not nil.
//
// Incidents that are archived before their first record came are not given. Where that happens to the rest of one, the archive
// gives the rest, which then comes after later records of other incidents.
//
// A record that cannot be read or is of another schema is given with its Incident and the schema it names; incident.Apply
// refuses it.
func (l *Ledger) Follow(ctx context.Context, fold func(incident.Sequenced) error, caughtUp func()) error {
	f := &follower{ledger: l, fold: fold, caughtUp: caughtUp, begun: map[string]uint64{}, patience: callWithin}
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
	target   uint64 // where the history ended when this reading began
	behind   bool   // this reading has not folded all up to target

	begun    map[string]uint64 // by subject, the last record of each incident that was begun and has not ended
	patience time.Duration     // how long the next record is waited for while behind
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
		msg, err := f.next(ctx, it)
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
		if err := f.take(ctx, stored{Subject: msg.Subject(), Seq: meta.Sequence.Stream, Data: msg.Data(), At: meta.Timestamp}); err != nil {
			return err
		}
	}
}

// open starts reading after what was folded last, through a consumer that the server forgets with it.
func (f *follower) open(ctx context.Context) (jetstream.MessagesContext, error) {
	creating, cancel := context.WithTimeout(ctx, f.ledger.callWithin)
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

func (f *follower) take(ctx context.Context, msg stored) error {
	if err := f.give(msg); err != nil {
		return err
	}
	f.last = msg.Seq
	return f.catchUp(ctx)
}

func (f *follower) give(msg stored) error {
	rec := record(msg)
	if err := f.fold(rec); err != nil {
		return stopError{err}
	}
	f.begun[msg.Subject] = msg.Seq
	if rec.Kind == incident.Closed {
		delete(f.begun, msg.Subject)
	}
	return nil
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
