package eventstest

import (
	"context"
	"errors"
	"testing"

	"github.com/salvor-io/salvor/events"
)

// historyAndFuture: events from before and from after the beginning are folded once each, in order, and caughtUp is called
// once, between them.
func historyAndFuture(t *testing.T, s *Store) {
	const before, after = 700, 300
	record(t, s.Log, many(0, before)...)
	var seen tally
	caughtUp := make(chan int, 10)
	following := start(t, func(ctx context.Context) error {
		return s.Log.Follow(ctx, 0, func(ev events.Recorded) error { seen.add(ev); return nil }, func() { caughtUp <- seen.len() })
	})
	if at := within(t, "caughtUp", caughtUp); at != before {
		t.Errorf("it was caught up after %d events, want %d", at, before)
	}
	for n := before; n < before+after; n++ {
		record(t, s.Log, event(n))
	}
	seen.await(t, before+after)
	following.end(t)
	strictlyIncreasing(t, seen.all())
	same(t, "folded", idsOf(many(0, before+after)), ids(seen.all()))
	if len(caughtUp) != 0 {
		t.Errorf("caughtUp was called %d times more", len(caughtUp))
	}
}

// afterAPlace: following begins after the place given, also when that event is kept no more.
func afterAPlace(t *testing.T, s *Store) {
	receipts := record(t, s.Log, many(0, 20)...)
	same(t, "after the tenth", idsOf(many(10, 20)), ids(history(t, s.Log, receipts[9].Seq)))
	same(t, "after the last", []string(nil), ids(history(t, s.Log, receipts[19].Seq)))
	var of []events.Receipt
	for n := 100; n < 110; n++ {
		of = append(of, record(t, s.Log, eventOf(n, "node/same"))...)
	}
	got := history(t, s.Log, of[0].Seq)
	if len(got) != 8 || got[0].ID != event(102).ID {
		t.Errorf("after an event kept no more came %q", ids(got))
	}
}

// foldError: the error of fold comes back as it is, and nothing is folded after it.
func foldError(t *testing.T, s *Store) {
	record(t, s.Log, many(0, 5)...)
	cause := errors.New("cannot fold")
	folded := 0
	err := s.Log.Follow(t.Context(), 0, func(events.Recorded) error {
		if folded++; folded == 3 {
			return cause
		}
		return nil
	}, nil)
	if !errors.Is(err, cause) {
		t.Errorf("follow returned %v, want the error of fold", err)
	}
	if folded != 3 {
		t.Errorf("fold was called %d times, want 3", folded)
	}
}

func emptyIsCaughtUp(t *testing.T, s *Store) {
	if got := history(t, s.Log, 0); len(got) != 0 {
		t.Errorf("an empty log had %q", ids(got))
	}
}

// afterTheEnd: a place the log never had means that it is not the log that was folded; that is said, not waited out.
func afterTheEnd(t *testing.T, s *Store) {
	record(t, s.Log, event(1))
	following := start(t, func(ctx context.Context) error {
		return s.Log.Follow(ctx, 1000, func(events.Recorded) error { return nil }, nil)
	})
	if err := within(t, "the return of follow", following.done); err == nil {
		t.Error("follow returned nil, want an error")
	}
}

func closedFollow(t *testing.T, s *Store) {
	caughtUp := make(chan struct{})
	following := start(t, func(ctx context.Context) error {
		return s.Log.Follow(ctx, 0, func(events.Recorded) error { return nil }, func() { close(caughtUp) })
	})
	within(t, "caughtUp", caughtUp)
	s.Close(t)
	if err := within(t, "the return of follow", following.done); !errors.Is(err, events.ErrClosed) {
		t.Errorf("follow returned %v, want ErrClosed", err)
	}
}

// undecodable: what is no event goes to the dead letters with the reason and is neither folded nor handled; what comes
// after it is.
func undecodable(t *testing.T, s *Store) {
	if s.Put == nil {
		t.Skip("nothing but events gets into this log")
	}
	record(t, s.Log, event(1))
	s.Put(t, "salvor.event.prod-eu.x.y", []byte("no event at all"))
	record(t, s.Log, event(2))
	same(t, "folded", []string{"event/1", "event/2"}, ids(history(t, s.Log, 0)))
	same(t, "folded again", []string{"event/1", "event/2"}, ids(history(t, s.Log, 0)))
	letters := s.Dead(t)
	if len(letters) != 1 || letters[0].Data != "no event at all" || letters[0].Reason == "" {
		t.Fatalf("the dead letters are %+v, want one, with a reason", letters)
	}
	var seen tally
	handling := start(t, func(ctx context.Context) error {
		return s.Log.Subscribe(ctx, "work", func(_ context.Context, ev events.Recorded) error { seen.add(ev); return nil })
	})
	seen.await(t, 2)
	eventually(t, func() bool { return len(s.Dead(t)) == 2 }, func() string { return "the subscription did not dead-letter it" })
	handling.end(t)
	same(t, "handled", map[string]int{"event/1": 1, "event/2": 1}, seen.counts())
}
