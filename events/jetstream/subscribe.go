package jetstream

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/salvor-io/salvor/events"
)

const (
	ackWait        = 10 * time.Second
	maxAckPending  = 4096 // events under way in all subscribers of a name
	giveBackWithin = 2 * time.Second
)

// Subscribe implements [events.Log]. Up to Options.Concurrency handlers run at once, each in a goroutine of its own; one
// that runs long keeps its event. An event that failed comes again after a quarter of a second, then after ever longer
// pauses of up to half a minute.
func (l *Log) Subscribe(ctx context.Context, name string, handle events.Handler) error {
	ctx, cancel := l.untilClosed(ctx)
	defer cancel()
	s := &subscriber{log: l, name: events.Token(name), handle: handle}
	var workers sync.WaitGroup
	for range l.opts.Concurrency {
		workers.Go(func() { s.work(ctx) })
	}
	workers.Wait()
	return ended(ctx)
}

// subscriber is one process's share of a subscription.
type subscriber struct {
	log    *Log
	name   string
	handle events.Handler
}

// work takes events until ctx ends, anew each time that the taking breaks. A break does not disturb other workers, so that
// one slow handler never keeps events from being taken.
func (s *subscriber) work(ctx context.Context) {
	for wait := firstPause; ctx.Err() == nil; wait = min(2*wait, longestPause) {
		began := time.Now()
		err := s.takeAll(ctx)
		if time.Since(began) > longestPause {
			wait = firstPause
		}
		s.log.log.Debug("subscription begins anew", "name", s.name, "error", err)
		pause(ctx, wait)
	}
}

// consumer is the durable consumer that all subscribers of the name share. It has no BackOff, which would override
// AckWait.
func (s *subscriber) consumer(ctx context.Context) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, apiWithin)
	defer cancel()
	consumer, err := s.log.conn.JetStream().CreateOrUpdateConsumer(ctx, EventsStream, jetstream.ConsumerConfig{
		Durable:       s.name,
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       s.log.ackWait,
		MaxDeliver:    -1,
		MaxAckPending: maxAckPending,
		Replicas:      s.log.conn.Replicas(),
	})
	if err != nil {
		return nil, fmt.Errorf("create or update consumer %s: %w", s.name, err)
	}
	return consumer, nil
}

// takeAll takes and settles one event after the other until the taking breaks. It asks for an event only when it can
// handle it, so that none waits here while another subscriber is free.
func (s *subscriber) takeAll(ctx context.Context) error {
	taking, stop := s.log.untilReconnected(ctx)
	defer stop()
	consumer, err := s.consumer(taking)
	if err != nil {
		return err
	}
	it, err := consumer.Messages(jetstream.PullMaxMessages(1), jetstream.PullExpiry(pullExpiry),
		jetstream.PullHeartbeat(pullHeartbeat), jetstream.WithMessagesErrOnMissingHeartbeat(true))
	if err != nil {
		return fmt.Errorf("take events of %s: %w", s.name, err)
	}
	defer giveBack(ctx, it)
	for {
		msg, err := it.Next(jetstream.NextContext(taking))
		if err != nil {
			return fmt.Errorf("take next event of %s: %w", s.name, err)
		}
		s.settle(ctx, msg)
	}
}

// giveBack ends the taking and returns to the server what it sent meanwhile, so that nobody waits ackWait for it.
func giveBack(ctx context.Context, it jetstream.MessagesContext) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackWithin)
	defer cancel()
	it.Drain()
	for {
		msg, err := it.Next(jetstream.NextContext(ctx))
		if err != nil {
			return
		}
		_ = msg.Nak() // lost, it comes again after ackWait
	}
}
