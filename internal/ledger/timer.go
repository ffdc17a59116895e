package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
)

const (
	timersConsumer = "salvor_timers"
	keepFired      = "720h" // how long a firing waits for somebody who takes it
)

// Timer is a wait of an incident. There is one timer of an ID: setting it again replaces it.
type Timer struct {
	ID       string      `json:"id"`
	Incident incident.ID `json:"incident"`
	ForSeq   uint64      `json:"for_seq"` // the record it was set for: a firing for one that is not the last any more is stale
	At       time.Time   `json:"at"`
}

// timerRecord is a timer as it is stored.
type timerRecord struct {
	signature
	Timer
}

// SetTimer sets a timer, or sets it anew. It fires at its time, or 250 ms from now when that is past or nearer, and survives
// restarts; one whose time came while nothing ran fires at the start. It may be repeated.
func (l *Ledger) SetTimer(ctx context.Context, t Timer) error {
	if t.ID == "" {
		return errors.New("set timer: it has no id")
	}
	data, err := Document(timerRecord{l.sign(), t})
	if err != nil {
		return fmt.Errorf("set timer %s: %w", t.ID, err)
	}
	at := t.At
	if now := time.Now(); at.Before(now) {
		at = now
	}
	token := events.Token(t.ID)
	msg := nats.NewMsg(timerSet + token)
	msg.Data = data
	msg.Header.Set(jetstream.ScheduleHeader, "@at "+at.UTC().Format(time.RFC3339Nano))
	msg.Header.Set(jetstream.ScheduleTargetHeader, timerFired+token)
	msg.Header.Set(jetstream.ScheduleTTLHeader, keepFired)
	msg.Header.Set(jetstream.ScheduleRollupHeader, "sub") // a firing replaces one that nobody took
	if _, err := l.publish(ctx, msg); err != nil {
		return fmt.Errorf("set timer %s: %w", t.ID, err)
	}
	return nil
}

// CancelTimer ends a timer. One that is not set is no error; one that fired just now may still arrive.
func (l *Ledger) CancelTimer(ctx context.Context, id string) error {
	if err := l.purge(ctx, TimersStream, timerSet+events.Token(id)); err != nil {
		return fmt.Errorf("cancel timer %s: %w", id, err)
	}
	return nil
}

// purge removes all messages of a subject.
func (l *Ledger) purge(ctx context.Context, stream, subject string, opts ...jetstream.StreamPurgeOpt) error {
	ctx, cancel := context.WithTimeout(ctx, l.callWithin)
	defer cancel()
	s, err := l.js.Stream(ctx, stream)
	if err != nil {
		return unavailable(err)
	}
	if err := s.Purge(ctx, append(opts, jetstream.WithPurgeSubject(subject))...); err != nil {
		return unavailable(err)
	}
	return nil
}

// Fired calls handle for each timer that fires, until ctx ends; it returns nil then, after calls in flight have returned. Each
// firing goes to one process. What handle returns decides as with Work, and a timer of an incident is not handled while a move
// of the same incident runs in this process. A firing may be stale, or come twice: see Timer.ForSeq.
func (l *Ledger) Fired(ctx context.Context, handle func(context.Context, Timer) error) error {
	return l.feed(TimersStream, timersConsumer, timerFired+"*", func(ctx context.Context, msg stored) error {
		var rec timerRecord
		if err := decode(&msg, &rec); err != nil {
			return err
		}
		if rec.Incident == "" {
			return handle(ctx, rec.Timer)
		}
		return l.Alone(ctx, rec.Incident, func(ctx context.Context) error { return handle(ctx, rec.Timer) })
	}).run(ctx)
}
