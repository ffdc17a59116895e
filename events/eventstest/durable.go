package eventstest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/salvor-io/salvor/events"
)

// restartKeepsAll: what was accepted is there after a restart, at the same place and time, and the log goes on after it.
func restartKeepsAll(t *testing.T, s *Store) {
	reopen := durable(t, s)
	record(t, s.Log, many(0, 3)...)
	record(t, s.Log, many(3, 103)...)
	before := history(t, s.Log, 0)
	log := reopen(t)
	same(t, "kept", before, history(t, log, 0))
	receipts := record(t, log, event(200))
	if last := before[len(before)-1].Seq; receipts[0].Seq <= last {
		t.Errorf("the next event is at place %d, the last was at %d", receipts[0].Seq, last)
	}
}

func durable(t *testing.T, s *Store) func(*testing.T) events.Log {
	if s.Reopen == nil {
		t.Skip("this log does not outlive its process")
	}
	return s.Reopen
}

// restartDuplicates: an event known before a restart is known after it.
func restartDuplicates(t *testing.T, s *Store) {
	reopen := durable(t, s)
	first := record(t, s.Log, many(0, 60)...)
	log := reopen(t)
	again := record(t, log, append(many(0, 60), event(60))...)
	for n, r := range again {
		if r.Duplicate != (n < 60) {
			t.Errorf("event %d: receipt %+v after the restart", n, r)
		}
		if n < 60 && r.Seq != 0 && r.Seq != first[n].Seq {
			t.Errorf("event %d was at place %d and is at %d", n, first[n].Seq, r.Seq)
		}
	}
	if got := history(t, log, 0); len(got) != 61 {
		t.Errorf("%d events were recorded, want 61", len(got))
	}
}

// restartSubscription: what was handled is not handled again, what was not is.
func restartSubscription(t *testing.T, s *Store) {
	reopen := durable(t, s)
	record(t, s.Log, many(0, 20)...)
	var seen tally
	handling := subscribe(t, s.Log, "work", func(_ context.Context, ev events.Recorded) error {
		seen.add(ev)
		if ev.ID == event(7).ID {
			return errors.New("not now")
		}
		return nil
	})
	eventually(t, func() bool { return len(seen.counts()) == 20 }, func() string {
		return fmt.Sprintf("%d of 20 events came", len(seen.counts()))
	})
	handling.end(t)
	log := reopen(t)
	record(t, log, event(20))
	var after tally
	next := subscribe(t, log, "work", func(_ context.Context, ev events.Recorded) error { after.add(ev); return nil })
	after.await(t, 2)
	next.end(t)
	same(t, "handled after the restart", map[string]int{"event/7": 1, "event/20": 1}, after.counts())
}

// restartUnderneath: what is behind the log restarts while it is in use. Who appends repeats until it is taken, who follows
// or subscribes notices nothing.
func restartUnderneath(t *testing.T, s *Store) {
	if s.Restart == nil {
		t.Skip("nothing is behind this log")
	}
	const callers, most = 8, 100000
	var folded, handled tally
	following := start(t, func(ctx context.Context) error {
		return s.Log.Follow(ctx, 0, func(ev events.Recorded) error { folded.add(ev); return nil }, nil)
	})
	handling := subscribe(t, s.Log, "work", func(_ context.Context, ev events.Recorded) error { handled.add(ev); return nil })
	stop := make(chan struct{})
	taken := make([]int, callers)
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for ; ; taken[c]++ {
				select {
				case <-stop:
					return
				default:
				}
				ev := event(c*most + taken[c])
				for _, err := s.Log.Append(t.Context(), ev); err != nil; _, err = s.Log.Append(t.Context(), ev) {
					if !errors.Is(err, events.ErrUnavailable) {
						t.Errorf("append: %v, want an error that is ErrUnavailable", err)
						return
					}
				}
			}
		})
	}
	for range 3 {
		folded.await(t, folded.len()+50)
		s.Restart(t)
	}
	folded.await(t, folded.len()+50)
	close(stop)
	wg.Wait()
	want := map[string]int{}
	for c, n := range taken {
		for i := range n {
			want[event(c*most+i).ID] = 1
		}
	}
	folded.await(t, len(want))
	eventually(t, func() bool { return len(handled.counts()) >= len(want) }, func() string {
		return fmt.Sprintf("%d of %d events were handled", len(handled.counts()), len(want))
	})
	following.end(t)
	handling.end(t)
	strictlyIncreasing(t, folded.all())
	same(t, "folded", want, folded.counts())
}

// fullDisk: while the disk is full appends say unavailable, in time, and the log is not healthy. When there is space again
// it takes events again, has all it ever accepted, and who follows or subscribes goes on.
func fullDisk(t *testing.T, s *Store) {
	if s.Full == nil {
		t.Skip("this log has no disk to fill")
	}
	var folded, handled tally
	following := start(t, func(ctx context.Context) error {
		return s.Log.Follow(ctx, 0, func(ev events.Recorded) error { folded.add(ev); return nil }, nil)
	})
	handling := subscribe(t, s.Log, "work", func(_ context.Context, ev events.Recorded) error { handled.add(ev); return nil })
	record(t, s.Log, many(0, 10)...)
	folded.await(t, 10)
	handled.await(t, 10)

	accepted := many(0, 10)
	var refused []events.Event
	quickest := time.Hour // a busy machine may be late with one
	s.Full.Fill(t)
	eventually(t, func() bool {
		ev := event(10 + len(accepted) + len(refused))
		begin := time.Now()
		_, err := s.Log.Append(t.Context(), ev)
		if err == nil {
			accepted = append(accepted, ev)
			return false
		}
		if !errors.Is(err, events.ErrUnavailable) {
			t.Fatalf("append to a full disk returned %v, want ErrUnavailable", err)
		}
		quickest = min(quickest, time.Since(begin))
		refused = append(refused, ev)
		return len(refused) >= 3
	}, func() string { return "the disk never got full" })
	if quickest > 4*time.Second {
		t.Errorf("appends to a full disk gave up after %s at the soonest, want 2 s", quickest)
	}
	eventually(t, func() bool { return s.Full.Healthy() != nil }, func() string { return "the log said it was healthy" })

	s.Full.Free(t)
	for _, ev := range refused {
		recordEventually(t, s.Log, ev)
		accepted = append(accepted, ev)
	}
	eventually(t, func() bool { return s.Full.Healthy() == nil }, func() string {
		return fmt.Sprintf("the log did not get healthy: %v", s.Full.Healthy())
	})
	more := many(5000, 5100)
	record(t, s.Log, more...)
	accepted = append(accepted, more...)

	folded.await(t, len(accepted))
	eventually(t, func() bool { return len(handled.counts()) == len(accepted) }, func() string {
		return fmt.Sprintf("%d of %d events were handled", len(handled.counts()), len(accepted))
	})
	following.end(t)
	handling.end(t)
	strictlyIncreasing(t, folded.all())
	same(t, "recorded", ids(history(t, s.Log, 0)), ids(folded.all()))
	if len(folded.all()) != len(accepted) {
		t.Errorf("%d events were folded, want %d", folded.len(), len(accepted))
	}
}
