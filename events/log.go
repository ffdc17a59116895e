package events

import (
	"context"
	"errors"
)

// Log keeps events durably, in one order.
//
// Append records events and returns one Receipt for each, in order. When it returns nil every event survives the death of
// this process and of the machine's power; when it returns an error each event may or may not have been recorded, and the
// caller may repeat the call: an event whose ID was recorded within the last 15 minutes is not recorded again, its receipt
// says Duplicate. Events that do not [Event.Validate] fail the whole call with a Permanent error before anything is
// recorded. Append gives up no later than two seconds after it began, with [ErrUnavailable] when the store is at fault.
//
// Follow calls fold for each recorded event in order, beginning after the sequence given (0 is the beginning), first those
// recorded before, then those to come, until ctx ends (it returns nil) or fold returns an error (it returns that error). It
// never skips and never repeats; after a lost connection it goes on where it was. Between history and future it calls
// caughtUp once, if that is not nil. An event that cannot be decoded goes to the dead-letter subject and is not folded.
//
// Subscribe takes events from the shared, durable subscription of that name: each event is given to one subscriber of the
// name, again when it was not acknowledged, see [Handler]. It returns when ctx ends, after handlers in flight have returned.
type Log interface {
	Append(ctx context.Context, evs ...Event) ([]Receipt, error)
	Follow(ctx context.Context, after uint64, fold func(Recorded) error, caughtUp func()) error
	Subscribe(ctx context.Context, name string, handle Handler) error
}

// Receipt is a Log's promise about one event.
type Receipt struct {
	Seq       uint64 // place of the event; for a duplicate the place of the first, or 0 when that is not known
	Duplicate bool   // the event had been recorded before
}

// Handler handles one event of a subscription: nil acknowledges; an error marked [Permanent] goes to the dead-letter
// subject with its reason; any other error is redelivered later. A handler must be idempotent, since an acknowledgement
// may be lost, and it returns soon after its ctx ends. A panic in a handler is recovered and counts as a Permanent error.
type Handler func(ctx context.Context, ev Recorded) error

// Source turns something outside into events. Run appends them to the Log it was built with until ctx ends, and returns
// nil then; it returns an error only when it can never work, and never because the outside is away for a while.
type Source interface {
	Run(ctx context.Context) error
}

// ErrUnavailable is returned when a Log cannot promise durability now: disk full, server away, or too slow. Nothing is
// known about whether the events were recorded; repeating the call is safe.
var ErrUnavailable = errors.New("event log unavailable")

// ErrClosed is returned by a Log that was closed.
var ErrClosed = errors.New("event log closed")
