package eventstest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/salvor-io/salvor/events"
)

func subscribe(t *testing.T, log events.Log, name string, handle events.Handler) *activity {
	return start(t, func(ctx context.Context) error { return log.Subscribe(ctx, name, handle) })
}

// oncePerName: each subscription gets every event, those from before it began too.
func oncePerName(t *testing.T, s *Store) {
	record(t, s.Log, many(0, 50)...)
	var a, b tally
	first := subscribe(t, s.Log, "a", func(_ context.Context, ev events.Recorded) error { a.add(ev); return nil })
	second := subscribe(t, s.Log, "b name of any.kind *", func(_ context.Context, ev events.Recorded) error { b.add(ev); return nil })
	record(t, s.Log, many(50, 100)...)
	a.await(t, 100)
	b.await(t, 100)
	first.end(t)
	second.end(t)
	want := map[string]int{}
	for _, ev := range many(0, 100) {
		want[ev.ID] = 1
	}
	same(t, "handled by a", want, a.counts())
	same(t, "handled by b", want, b.counts())
}

// shared: two subscribers of one name share the events.
func shared(t *testing.T, s *Store) {
	var seen tally
	handle := func(_ context.Context, ev events.Recorded) error { seen.add(ev); return nil }
	one := subscribe(t, s.Log, "work", handle)
	two := subscribe(t, s.Log, "work", handle)
	record(t, s.Log, many(0, 200)...)
	seen.await(t, 200)
	one.end(t)
	two.end(t)
	for id, n := range seen.counts() {
		if n != 1 {
			t.Errorf("%s was handled %d times, want once", id, n)
		}
	}
}

// redelivers: an event whose handler failed comes again, the same, until it is handled; others are not held up.
func redelivers(t *testing.T, s *Store) {
	var seen tally
	handled := make(chan events.Recorded, 100)
	var failures atomic.Int32
	handling := subscribe(t, s.Log, "work", func(_ context.Context, ev events.Recorded) error {
		seen.add(ev)
		if ev.ID == event(1).ID && failures.Add(1) <= 2 {
			return errors.New("not now")
		}
		handled <- ev
		return nil
	})
	record(t, s.Log, many(0, 3)...)
	for range 3 {
		within(t, "an event to be handled", handled)
	}
	handling.end(t)
	same(t, "deliveries", map[string]int{"event/0": 1, "event/1": 3, "event/2": 1}, seen.counts())
	var tries []events.Recorded
	for _, ev := range seen.all() {
		if ev.ID == event(1).ID {
			tries = append(tries, ev)
		}
	}
	same(t, "the same event each time", tries[0], tries[2])
	if dead := s.Dead(t); len(dead) != 0 {
		t.Errorf("there are dead letters: %+v", dead)
	}
}

// permanent: an event whose handler says that no retry can mend it goes to the dead letters with the reason, once.
func permanent(t *testing.T, s *Store) {
	buries(t, s, func() error { return fmt.Errorf("handle: %w", events.Permanent(errors.New("it is \"wrong\"\n100 %"))) },
		"it is \"wrong\"\n100 %")
}

// panics: a handler that panics is a permanent error, and the subscription goes on.
func panics(t *testing.T, s *Store) {
	buries(t, s, func() error { panic("out of order") }, "out of order")
}

func buries(t *testing.T, s *Store, fail func() error, reason string) {
	var seen tally
	handling := subscribe(t, s.Log, "work", func(_ context.Context, ev events.Recorded) error {
		seen.add(ev)
		if ev.ID == event(1).ID {
			return fail()
		}
		return nil
	})
	record(t, s.Log, many(0, 3)...)
	eventually(t, func() bool { return len(s.Dead(t)) > 0 }, func() string { return "there is no dead letter" })
	record(t, s.Log, event(3))
	seen.await(t, 4)
	handling.end(t)
	again := subscribe(t, s.Log, "work", func(_ context.Context, ev events.Recorded) error { seen.add(ev); return nil })
	record(t, s.Log, event(4))
	seen.await(t, 5)
	again.end(t)
	same(t, "deliveries", map[string]int{"event/0": 1, "event/1": 1, "event/2": 1, "event/3": 1, "event/4": 1}, seen.counts())
	letters := s.Dead(t)
	if len(letters) != 1 || !strings.Contains(letters[0].Reason, reason) || letters[0].Data != string(event(1).Data) {
		t.Errorf("the dead letters are %+v, want event 1 with the reason %q", letters, reason)
	}
}

// slowHandler: events are handled while the handler of an earlier one takes its time.
func slowHandler(t *testing.T, s *Store) {
	release := make(chan struct{})
	var once sync.Once
	defer once.Do(func() { close(release) })
	var seen tally
	handling := subscribe(t, s.Log, "work", func(_ context.Context, ev events.Recorded) error {
		if ev.ID == event(0).ID {
			<-release
		}
		seen.add(ev)
		return nil
	})
	record(t, s.Log, many(0, 100)...)
	seen.await(t, 99)
	once.Do(func() { close(release) })
	seen.await(t, 100)
	handling.end(t)
}

// closeInMidHandler: Subscribe tells the handler to end, returns after it, and takes its answer.
func closeInMidHandler(t *testing.T, s *Store) {
	began, told, finish := make(chan struct{}), make(chan struct{}), make(chan struct{})
	handling := subscribe(t, s.Log, "work", func(ctx context.Context, ev events.Recorded) error {
		close(began)
		<-ctx.Done()
		close(told)
		<-finish
		return nil
	})
	record(t, s.Log, event(1))
	within(t, "the handler to begin", began)
	handling.cancel()
	within(t, "the handler to be told", told)
	select {
	case err := <-handling.done:
		t.Fatalf("subscribe returned %v while its handler ran", err)
	default:
	}
	close(finish)
	if err := within(t, "the return of subscribe", handling.done); err != nil {
		t.Fatalf("subscribe returned %v, want nil", err)
	}
	var seen tally
	next := subscribe(t, s.Log, "work", func(_ context.Context, ev events.Recorded) error { seen.add(ev); return nil })
	record(t, s.Log, event(2))
	seen.await(t, 1)
	next.end(t)
	same(t, "handled afterwards", map[string]int{"event/2": 1}, seen.counts())
}

// interrupted: an event whose handler gave up when it was told to end comes to the next subscriber.
func interrupted(t *testing.T, s *Store) {
	began := make(chan struct{})
	var once sync.Once // a slow machine may be given it again
	handling := subscribe(t, s.Log, "work", func(ctx context.Context, ev events.Recorded) error {
		once.Do(func() { close(began) })
		<-ctx.Done()
		return ctx.Err()
	})
	record(t, s.Log, event(1))
	within(t, "the handler to begin", began)
	handling.end(t)
	var seen tally
	next := subscribe(t, s.Log, "work", func(_ context.Context, ev events.Recorded) error { seen.add(ev); return nil })
	seen.await(t, 1)
	next.end(t)
	same(t, "handled afterwards", map[string]int{"event/1": 1}, seen.counts())
}

func closedSubscribe(t *testing.T, s *Store) {
	began := make(chan struct{})
	var ended atomic.Bool
	handling := subscribe(t, s.Log, "work", func(ctx context.Context, ev events.Recorded) error {
		close(began)
		<-ctx.Done()
		ended.Store(true)
		return nil
	})
	record(t, s.Log, event(1))
	within(t, "the handler to begin", began)
	s.Close(t)
	if err := within(t, "the return of subscribe", handling.done); !errors.Is(err, events.ErrClosed) {
		t.Errorf("subscribe returned %v, want ErrClosed", err)
	}
	if !ended.Load() {
		t.Error("subscribe returned before its handler")
	}
}
