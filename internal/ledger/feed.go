package ledger

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	atOnce     = 64      // deliveries of one feed that are worked on at once
	maxPending = 1 << 16 // deliveries that wait for their next attempt, in all processes: one that fails never blocks another
)

// feed gives what a durable consumer delivers to do, one delivery of a subject at a time and of those that wait only the last.
// The consumer is shared by all processes.
type feed struct {
	ledger *Ledger
	log    *slog.Logger
	stream string
	name   string
	filter string
	do     func(context.Context, stored) error
	slots  chan struct{}
	wg     sync.WaitGroup

	mu    sync.Mutex
	turns map[string]*turn // by subject
}

func (l *Ledger) feed(stream, name, filter string, do func(context.Context, stored) error) *feed {
	return &feed{ledger: l, log: l.log.With("by", name), stream: stream, name: name, filter: filter, do: do,
		slots: make(chan struct{}, atOnce), turns: map[string]*turn{}}
}

// run takes deliveries until ctx ends, then waits for what is being done.
func (f *feed) run(ctx context.Context) error {
	defer f.wg.Wait()
	for wait := firstPause; ctx.Err() == nil; wait = min(2*wait, longestPause) {
		came, err := f.read(ctx)
		if came {
			wait = firstPause
		}
		f.log.Debug("taking deliveries begins anew", "stream", f.stream, "error", err)
		_ = sleep(ctx, wait) // the loop ends when ctx has ended
	}
	return nil
}

// read takes deliveries until the reading breaks, and says whether any came.
func (f *feed) read(ctx context.Context) (came bool, err error) {
	reading, cancel := f.ledger.untilReconnected(ctx)
	defer cancel()
	it, err := f.open(reading)
	if err != nil {
		return false, err
	}
	defer drain(it)
	for {
		select {
		case f.slots <- struct{}{}:
		case <-reading.Done():
			return came, reading.Err()
		}
		msg, err := it.Next(jetstream.NextContext(reading))
		if err != nil {
			<-f.slots
			return came, fmt.Errorf("take the next delivery: %w", err)
		}
		came = true
		f.take(ctx, msg)
	}
}

// drain ends a reading and gives back what came in advance or comes back at the end, so that others have it at once.
func drain(it jetstream.MessagesContext) {
	it.Drain()
	for {
		msg, err := it.Next(jetstream.NextMaxWait(time.Second))
		if err != nil {
			it.Stop()
			return
		}
		_ = msg.Nak() // unsaid, it comes again later
	}
}

func (f *feed) open(ctx context.Context) (jetstream.MessagesContext, error) {
	creating, cancel := context.WithTimeout(ctx, f.ledger.callWithin)
	defer cancel()
	consumer, err := f.ledger.js.CreateOrUpdateConsumer(creating, f.stream, jetstream.ConsumerConfig{
		Durable:       f.name,
		FilterSubject: f.filter,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       f.ledger.ackWait,
		MaxAckPending: maxPending,
	})
	if err != nil {
		return nil, fmt.Errorf("create consumer %s of %s: %w", f.name, f.stream, err)
	}
	return consumer.Messages(jetstream.PullMaxMessages(1), jetstream.PullHeartbeat(pullHeartbeat),
		jetstream.WithMessagesErrOnMissingHeartbeat(true))
}

// take begins a turn with the delivery, or lets the turn under way have it. The slot that was taken goes with the turn.
func (f *feed) take(ctx context.Context, msg jetstream.Msg) {
	meta, err := msg.Metadata()
	if err != nil {
		<-f.slots
		f.log.Error("delivery has no place in the stream", "subject", msg.Subject(), "error", err)
		return
	}
	d := delivery{msg, meta}
	begun, stale := f.join(d)
	if begun == nil {
		<-f.slots
		if stale != nil {
			f.answer(ctx, *stale, nil)
		}
		return
	}
	f.wg.Go(func() {
		defer func() { <-f.slots }()
		f.serve(ctx, begun)
	})
}
