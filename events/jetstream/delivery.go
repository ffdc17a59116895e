package jetstream

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/salvor-io/salvor/events"
)

const (
	ackWithin      = 5 * time.Second // to tell the server what became of an event
	ackTry         = time.Second
	ackPause       = 100 * time.Millisecond
	firstRedeliver = 250 * time.Millisecond
	lastRedeliver  = 30 * time.Second
)

// settle handles one delivery and tells the server what became of it. It is not hurried by ctx, which only tells the
// handler to end.
func (s *subscriber) settle(ctx context.Context, msg jetstream.Msg) {
	seq, deliveries := uint64(0), uint64(1)
	if meta, err := msg.Metadata(); err == nil {
		seq, deliveries = meta.Sequence.Stream, meta.NumDelivered
	}
	err := s.attempt(ctx, msg)
	answering, cancel := context.WithTimeout(context.WithoutCancel(ctx), ackWithin)
	defer cancel()
	if events.IsPermanent(err) {
		err = s.log.bury(answering, s.name, msg, seq, err)
	}
	if err == nil {
		err = acknowledge(answering, msg)
	} else {
		wait := redeliverAfter(deliveries)
		if ctx.Err() != nil {
			wait = 0
		}
		s.log.log.Info("event is handled again later", "seq", seq, "by", s.name, "deliveries", deliveries, "after", wait, "reason", err)
		err = msg.NakWithDelay(wait)
	}
	if err != nil {
		s.log.log.Warn("event was handled but not acknowledged, it comes again", "seq", seq, "by", s.name, "error", err)
	}
}

// acknowledge says until ctx ends that the event was handled, also to a server that restarts meanwhile.
func acknowledge(ctx context.Context, msg jetstream.Msg) error {
	for {
		try, cancel := context.WithTimeout(ctx, ackTry)
		err := msg.DoubleAck(try)
		cancel()
		if err == nil || !pause(ctx, ackPause) {
			return err
		}
	}
}

// attempt runs the handler, keeping the event from other subscribers meanwhile.
func (s *subscriber) attempt(ctx context.Context, msg jetstream.Msg) error {
	ev, err := decode(msg)
	if err != nil {
		return events.Permanent(err)
	}
	kept := keep(msg, s.log.ackWait/3)
	defer kept()
	return s.guard(ctx, ev)
}

// guard turns a panic of the handler into a Permanent error.
func (s *subscriber) guard(ctx context.Context, ev events.Recorded) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = events.Permanent(fmt.Errorf("handler panicked: %v", cause))
			s.log.log.Error("event handler panicked", "seq", ev.Seq, "id", ev.ID, "by", s.name, "panic", cause, "stack", string(debug.Stack()))
		}
	}()
	return s.handle(ctx, ev)
}

// keep says InProgress every now and then until the function it returns was called.
func keep(msg jetstream.Msg, every time.Duration) func() {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		turn := time.NewTicker(every)
		defer turn.Stop()
		for {
			select {
			case <-turn.C:
				_ = msg.InProgress() // the next turn tries again
			case <-stop:
				return
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
	}
}

// redeliverAfter is the pause after the nth delivery failed.
func redeliverAfter(deliveries uint64) time.Duration {
	wait := firstRedeliver
	for ; deliveries > 1 && wait < lastRedeliver; deliveries-- {
		wait *= 2
	}
	return min(wait, lastRedeliver)
}
