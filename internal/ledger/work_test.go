package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
)

func TestWorkMovesAnIncidentToItsEnd(t *testing.T) {
	s := startStore(t)
	one, two := s.ledger("one"), s.ledger("two")
	var mu sync.Mutex
	running := map[incident.ID]int{}
	ended := make(chan incident.ID, 100)
	move := func(l *Ledger) func(context.Context, incident.ID) error {
		return func(ctx context.Context, id incident.ID) error {
			inc, err := l.Load(ctx, id)
			if err != nil {
				return err
			}
			switch inc.State {
			case incident.Deciding:
				_, err = l.Append(ctx, inc, incident.Record{Kind: incident.Cleared, At: noon})
			case incident.Clearing:
				_, err = l.Close(ctx, inc, incident.Record{Kind: incident.Closed, At: noon})
			case incident.Ended:
				mu.Lock()
				running[id]++
				mu.Unlock()
				ended <- id
			}
			if errors.Is(err, ErrLost) {
				return nil
			}
			return err
		}
	}
	inBackground(t, func(ctx context.Context) error { return one.Work(ctx, "recovery", move(one)) })
	inBackground(t, func(ctx context.Context) error { return two.Work(ctx, "recovery", move(two)) })
	const incidents = 20
	for n := range incidents {
		open(t, one, fmt.Sprint("w", n))
	}
	seen := map[incident.ID]bool{}
	for len(seen) < incidents {
		seen[receive(t, ended, "end of an incident")] = true
	}
	for id := range seen {
		if inc := load(t, one, id); inc.State != incident.Ended || len(inc.History) != 3 {
			t.Errorf("%s is %s after %d records", id, inc.State, len(inc.History))
		}
	}
}

// A move that runs while records are added is followed by one move for the last of them, and never has company.
func TestWorkIsSerialPerIncidentAndDropsStaleDeliveries(t *testing.T) {
	l := newLedger(t)
	l.ackWait = time.Hour // what is dropped wrongly does not come again
	inc, other := open(t, l, "w1"), make(chan incident.ID, 10)
	began, release := make(chan uint64, 10), make(chan struct{})
	var mu sync.Mutex
	busy := false
	inBackground(t, func(ctx context.Context) error {
		return l.Work(ctx, "recovery", func(ctx context.Context, id incident.ID) error {
			if id != inc.ID {
				other <- id
				return nil
			}
			mu.Lock()
			if busy {
				t.Error("two moves of one incident at once")
			}
			busy = true
			mu.Unlock()
			now, err := l.Load(ctx, id)
			if err != nil {
				return err
			}
			began <- now.Seq
			<-release
			mu.Lock()
			busy = false
			mu.Unlock()
			return nil
		})
	})
	receive(t, began, "first move")
	add(t, l, inc, note("a"), note("b"), note("c"))
	open(t, l, "w2")
	receive(t, other, "move of another incident while one is busy") // and so the deliveries before it came
	release <- struct{}{}
	if seq := receive(t, began, "second move"); seq != inc.Seq {
		t.Errorf("the second move saw record %d, want the last, %d", seq, inc.Seq)
	}
	release <- struct{}{}
	open(t, l, "w3")
	receive(t, other, "move of a third incident")
	if len(began) != 0 {
		t.Error("a stale delivery was moved")
	}
}

func TestWorkDropsWhatIsNotTheLast(t *testing.T) {
	l := newLedger(t)
	inc := open(t, l, "w1")
	add(t, l, inc, note("a"), note("b"), note("c"))
	open(t, l, "w2")
	moves := make(chan incident.ID, 10)
	inBackground(t, func(ctx context.Context) error {
		return l.Work(ctx, "recovery", func(_ context.Context, id incident.ID) error { moves <- id; return nil })
	})
	count := map[incident.ID]int{}
	for len(count) < 2 {
		count[receive(t, moves, "move")]++
	}
	open(t, l, "w3")
	for len(count) < 3 {
		count[receive(t, moves, "move")]++
	}
	if count[inc.ID] != 1 {
		t.Errorf("four records that were there made %d moves, want one", count[inc.ID])
	}
}

func TestWorkIsBounded(t *testing.T) {
	l := newLedger(t)
	const most, incidents = 64, 80
	for n := range incidents {
		open(t, l, fmt.Sprint("w", n))
	}
	began, release := make(chan bool, incidents), make(chan struct{})
	stop := inBackground(t, func(ctx context.Context) error {
		return l.Work(ctx, "recovery", func(ctx context.Context, _ incident.ID) error {
			began <- true
			select {
			case <-release:
			case <-ctx.Done():
			}
			return nil
		})
	})
	for range most {
		receive(t, began, "move")
	}
	_ = sleep(t.Context(), 300*time.Millisecond) // nothing may happen: there is no event to wait for
	if len(began) != 0 {
		t.Errorf("more than %d moves at once", most)
	}
	release <- struct{}{}
	receive(t, began, "move in the place of one that ended")
	if len(began) != 0 {
		t.Errorf("more than %d moves at once", most)
	}
	stop()
}

func TestWorkAgainAfterACrash(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	crashing, l := s.ledger("one"), s.ledger("two")
	inc := open(t, l, "w1")
	took, hang := make(chan bool, 1), make(chan struct{})
	inBackground(t, func(ctx context.Context) error {
		return crashing.Work(ctx, "recovery", func(context.Context, incident.ID) error {
			took <- true
			<-hang
			return nil
		})
	})
	t.Cleanup(func() { close(hang) }) // runs before the one above
	receive(t, took, "move")
	crashing.nc.Close() // neither answer nor word that it goes on will come
	again := make(chan incident.ID, 10)
	inBackground(t, func(ctx context.Context) error {
		return l.Work(ctx, "recovery", func(_ context.Context, id incident.ID) error { again <- id; return nil })
	})
	if id := receive(t, again, "move by another replica"); id != inc.ID {
		t.Errorf("it is of %s", id)
	}
}

func TestALongMoveIsNotGivenToAnother(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	one, two := s.ledger("one"), s.ledger("two")
	inc := open(t, one, "w1")
	moves, release := make(chan string, 10), make(chan struct{})
	work := func(l *Ledger, name string) {
		inBackground(t, func(ctx context.Context) error {
			return l.Work(ctx, "recovery", func(ctx context.Context, id incident.ID) error {
				if id != inc.ID {
					return nil
				}
				moves <- name
				<-release
				return nil
			})
		})
	}
	work(one, "one")
	work(two, "two")
	receive(t, moves, "move")
	consumer, err := one.js.Consumer(t.Context(), IncidentsStream, "recovery")
	if err != nil {
		t.Fatal(err)
	}
	_ = sleep(t.Context(), one.ackWait*3/2) // nothing may happen: there is no event to wait for
	at, err := consumer.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(moves) != 0 || at.NumRedelivered != 0 {
		t.Errorf("the move was given again %d times, %d deliveries were repeated", len(moves), at.NumRedelivered)
	}
	close(release)
}

func TestWorkAgainAfterErrorAndPanic(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	l := s.ledger("one")
	open(t, l, "w1")
	calls := make(chan int, 10)
	n := 0
	inBackground(t, func(ctx context.Context) error {
		return l.Work(ctx, "recovery", func(context.Context, incident.ID) error {
			n++
			calls <- n
			switch n {
			case 1:
				return errors.New("not now")
			case 2:
				panic("a bug")
			}
			return nil
		})
	})
	for want := 1; want <= 3; want++ {
		if got := receive(t, calls, "move"); got != want {
			t.Errorf("call %d, want %d", got, want)
		}
		if want == 1 { // the delivery, and its delay, outlive the server
			s.stop()
			s.start()
		}
	}
}

func TestWorkHandsOverAtItsEnd(t *testing.T) {
	for name, incidents := range map[string]int{"waiting for more": 20, "with more on their way": 80} {
		t.Run(name, func(t *testing.T) { handsOver(t, incidents) })
	}
}

func handsOver(t *testing.T, incidents int) {
	s := startStore(t)
	one, two := s.ledger("one"), s.ledger("two")
	one.ackWait, two.ackWait = time.Hour, time.Hour // only the answer at the end can hand over
	for n := range incidents {
		open(t, one, fmt.Sprint("w", n))
	}
	took := make(chan incident.ID, 10*incidents)
	stop := inBackground(t, func(ctx context.Context) error {
		return one.Work(ctx, "recovery", func(ctx context.Context, id incident.ID) error {
			took <- id
			<-ctx.Done()
			return ctx.Err()
		})
	})
	for range min(incidents, 64) {
		receive(t, took, "move")
	}
	stop()
	for len(took) > 0 {
		<-took
	}
	inBackground(t, func(ctx context.Context) error {
		return two.Work(ctx, "recovery", func(_ context.Context, id incident.ID) error { took <- id; return nil })
	})
	seen := map[incident.ID]bool{}
	for len(seen) < incidents {
		seen[receive(t, took, "move by the other")] = true
	}
}

func TestRetryAfter(t *testing.T) {
	for deliveries, want := range map[uint64]string{0: "1s", 1: "1s", 2: "2s", 4: "8s", 6: "30s", 1000000: "30s"} {
		if got := retryAfter(deliveries).String(); got != want {
			t.Errorf("after %d deliveries %s, want %s", deliveries, got, want)
		}
	}
}
