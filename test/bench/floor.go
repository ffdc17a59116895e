package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	events "github.com/salvor-io/salvor/events/jetstream"
)

// floorPrefix begins the subjects of the floor, which the events' stream takes.
const floorPrefix = "salvor.event.floor.raw."

// floor is NATS alone: an embedded server that fsyncs each write, as Salvor's does, with a stream that is configured as the
// one of Salvor's events is, on the same disk.
type floor struct {
	conn  *events.Conn
	next  int
	taken jetstream.MessagesContext // nil until roundTrip is prepared
}

func openFloor(ctx context.Context, dir string) (*floor, error) {
	quiet := slog.New(slog.DiscardHandler)
	conn, err := events.Embed(ctx, events.EmbedOptions{StoreDir: dir}, quiet)
	if err != nil {
		return nil, fmt.Errorf("open the floor: %w", err)
	}
	log, err := events.Open(ctx, conn, events.Options{}, quiet) // makes the stream
	if err == nil {
		err = log.Close()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the floor: %w", err), conn.Close())
	}
	return &floor{conn: conn}, nil
}

func (f *floor) close() error {
	if f.taken != nil {
		f.taken.Stop()
	}
	return f.conn.Close()
}

// subjects gives n subjects that were not used before.
func (f *floor) subjects(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint(floorPrefix, f.next)
		f.next++
	}
	return list
}

// publish writes the bytes durably and waits for the acknowledgement. It may be called by many at once.
func (f *floor) publish(ctx context.Context, subject string, body []byte) error {
	_, err := f.conn.JetStream().Publish(ctx, subject, body)
	return err
}

// stored counts the messages that the stream holds.
func (f *floor) stored(ctx context.Context) (int, error) {
	stream, err := f.conn.JetStream().Stream(ctx, events.EventsStream)
	if err != nil {
		return 0, fmt.Errorf("look at the floor's stream: %w", err)
	}
	return int(stream.CachedInfo().State.Msgs), nil
}

// consume prepares roundTrip: a durable consumer with explicit acknowledgement, as Salvor's shared work has.
func (f *floor) consume(ctx context.Context) error {
	consumer, err := f.conn.JetStream().CreateOrUpdateConsumer(ctx, events.EventsStream,
		jetstream.ConsumerConfig{Durable: "floor", AckPolicy: jetstream.AckExplicitPolicy})
	if err != nil {
		return fmt.Errorf("create the floor's consumer: %w", err)
	}
	if f.taken, err = consumer.Messages(); err != nil {
		return fmt.Errorf("read the floor's consumer: %w", err)
	}
	return nil
}

// roundTrip publishes durably, takes the message from the consumer, acknowledges it and waits until the server knows.
func (f *floor) roundTrip(ctx context.Context, body []byte) (time.Duration, error) {
	subject := f.subjects(1)[0]
	began := time.Now()
	if err := f.publish(ctx, subject, body); err != nil {
		return 0, err
	}
	msg, err := f.taken.Next(jetstream.NextContext(ctx))
	if err != nil {
		return 0, err
	}
	if err := msg.DoubleAck(ctx); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}
