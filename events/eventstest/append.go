package eventstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/salvor-io/salvor/events"
)

// order: events of one call, and of calls one after the other, are recorded in that order, where the receipts say.
func order(t *testing.T, s *Store) {
	var want []events.Event
	var receipts []events.Receipt
	for from, sizes := 0, []int{1, 2, 1, 30, 5, 200, 1}; len(sizes) > 0; sizes = sizes[1:] {
		evs := many(from, from+sizes[0])
		receipts = append(receipts, record(t, s.Log, evs...)...)
		want = append(want, evs...)
		from += sizes[0]
	}
	got := history(t, s.Log, 0)
	strictlyIncreasing(t, got)
	same(t, "order", idsOf(want), ids(got))
	for i, ev := range got {
		if receipts[i].Seq != ev.Seq || receipts[i].Duplicate {
			t.Fatalf("event %d is at place %d, its receipt says %+v", i, ev.Seq, receipts[i])
		}
		if i > 0 && ev.At.Before(got[i-1].At) {
			t.Fatalf("event %d was accepted at %s, before the one before it", i, ev.At)
		}
	}
}

// attributes: what comes back is what was given, whatever text is in it.
func attributes(t *testing.T, s *Store) {
	nasty := "a b\"c%20\r\nNats-Msg-Id: x\x00\x7fü漢.*>\t%"
	want := []events.Event{
		{ID: nasty, Source: nasty, Type: events.Type(nasty), Cluster: nasty, Entity: nasty, Time: stamp, Data: []byte(`{ "a" : [1] }`)},
		{ID: "minimal", Source: "/s", Type: "t", Cluster: events.Fleet, Entity: "e", Data: []byte("0")},
		{
			ID: strings.Repeat("i", 512), Source: strings.Repeat("s", 512), Type: events.Type(strings.Repeat("t", 512)),
			Cluster: strings.Repeat("c", 512), Entity: strings.Repeat("e", 512), Time: stamp,
			Data: []byte(`"` + strings.Repeat("x", events.MaxData-2) + `"`),
		},
		{ID: "elsewhere", Source: "/s", Type: "t", Cluster: "c", Entity: "e2", Time: stamp.In(time.FixedZone("", 3600)), Data: []byte("1")},
	}
	record(t, s.Log, want...)
	got := history(t, s.Log, 0)
	if len(got) != len(want) {
		t.Fatalf("%d events came back of %d", len(got), len(want))
	}
	for i := range want {
		if !got[i].Time.Equal(want[i].Time) {
			t.Errorf("event %d happened at %s, want %s", i, got[i].Time, want[i].Time)
		}
		if got[i].At.IsZero() || got[i].At.Location() != time.UTC {
			t.Errorf("event %d was accepted at %s, want a time in UTC", i, got[i].At)
		}
		if !bytes.Equal(got[i].Data, want[i].Data) {
			t.Errorf("event %d carries other bytes than it was given", i)
		}
		want[i].Time, want[i].Data, got[i].Data = got[i].Time, nil, nil
		same(t, fmt.Sprintf("event %d", i), want[i], got[i].Event)
	}
}

// concurrently: nothing is lost, repeated or mixed up, and each caller's events keep their order.
func concurrently(t *testing.T, s *Store) {
	const callers, calls, size = 32, 8, 3
	var seen tally
	following := start(t, func(ctx context.Context) error {
		return s.Log.Follow(ctx, 0, func(ev events.Recorded) error { seen.add(ev); return nil }, nil)
	})
	receipts := make([][]events.Receipt, callers)
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range calls {
				first := c*1000 + i*size
				n := 1 + i%size
				got, err := s.Log.Append(t.Context(), many(first, first+n)...)
				if err != nil {
					t.Errorf("append: %v", err)
					return
				}
				receipts[c] = append(receipts[c], got...)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	all := slices.Concat(receipts...)
	seen.await(t, len(all))
	following.end(t)
	got := seen.all()
	strictlyIncreasing(t, got)
	if len(got) != len(all) {
		t.Fatalf("%d events were folded of %d", len(got), len(all))
	}
	checkPlaces(t, receipts, got)
}

// checkPlaces compares receipts with what was folded: the same places, each caller's in order.
func checkPlaces(t *testing.T, receipts [][]events.Receipt, got []events.Recorded) {
	t.Helper()
	at := map[uint64]bool{}
	for _, ev := range got {
		at[ev.Seq] = true
	}
	for c, mine := range receipts {
		for i, r := range mine {
			if r.Duplicate || !at[r.Seq] {
				t.Fatalf("caller %d has a receipt %+v that nothing was folded for", c, r)
			}
			if i > 0 && r.Seq <= mine[i-1].Seq {
				t.Fatalf("caller %d: place %d came after %d", c, r.Seq, mine[i-1].Seq)
			}
			delete(at, r.Seq)
		}
	}
}

// equalIDs: an id is recorded once, in one call and across calls, and the receipts say so.
func equalIDs(t *testing.T, s *Store) {
	other := event(1)
	other.Data = []byte(`{"n":"other"}`)
	got := record(t, s.Log, event(1), event(2), other, event(1))
	same(t, "duplicates in one call", []bool{false, false, true, true}, duplicates(got))
	if got[2].Seq != 0 && got[2].Seq != got[0].Seq {
		t.Errorf("the duplicate of place %d says it is at %d", got[0].Seq, got[2].Seq)
	}
	again := record(t, s.Log, event(2))
	same(t, "duplicates across calls", []bool{true}, duplicates(again))
	if again[0].Seq != 0 && again[0].Seq != got[1].Seq {
		t.Errorf("the duplicate of place %d says it is at %d", got[1].Seq, again[0].Seq)
	}
	kept := history(t, s.Log, 0)
	same(t, "recorded", []string{"event/1", "event/2"}, ids(kept))
	same(t, "the first is kept", string(event(1).Data), string(kept[0].Data))
}

func duplicates(receipts []events.Receipt) []bool {
	var out []bool
	for _, r := range receipts {
		out = append(out, r.Duplicate)
	}
	return out
}

// sameFromMany: replicas that see the same at once make one event of it, and one of them recorded it.
func sameFromMany(t *testing.T, s *Store) {
	const replicas, rounds = 16, 10
	var mu sync.Mutex
	firsts := map[int]int{}
	var wg sync.WaitGroup
	for range replicas {
		wg.Go(func() {
			for n := range rounds {
				got, err := s.Log.Append(t.Context(), event(n))
				if err != nil {
					t.Errorf("append: %v", err)
					return
				}
				mu.Lock()
				if !got[0].Duplicate {
					firsts[n]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for n := range rounds {
		if firsts[n] != 1 {
			t.Errorf("event %d was recorded by %d replicas, want 1", n, firsts[n])
		}
	}
	if got := history(t, s.Log, 0); len(got) != rounds {
		t.Errorf("%d events were recorded: %q, want %d", len(got), ids(got), rounds)
	}
}

// duplicatesAmongNew: known events in a large call do not keep the new ones from being recorded.
func duplicatesAmongNew(t *testing.T, s *Store) {
	record(t, s.Log, event(5), event(150), event(299))
	evs := many(0, 300)
	receipts := record(t, s.Log, evs...)
	for n, r := range receipts {
		if known := n == 5 || n == 150 || n == 299; r.Duplicate != known {
			t.Fatalf("event %d: receipt %+v, want duplicate %t", n, r, known)
		}
	}
	got := history(t, s.Log, 0)
	strictlyIncreasing(t, got)
	if len(got) != len(evs) {
		t.Fatalf("%d events were recorded, want %d", len(got), len(evs))
	}
}

// keepsEight: a ninth event of one subject is taken, and the first of it goes; other subjects keep theirs.
func keepsEight(t *testing.T, s *Store) {
	record(t, s.Log, event(1000))
	for n := range 20 {
		record(t, s.Log, eventOf(n, "node/worker-7"))
	}
	want := []string{"event/1000"}
	for n := 12; n < 20; n++ {
		want = append(want, event(n).ID)
	}
	same(t, "kept", want, ids(history(t, s.Log, 0)))
}

// refusesInvalid: one invalid event refuses the whole call, for good, and nothing of it is recorded.
func refusesInvalid(t *testing.T, s *Store) {
	for name, spoil := range map[string]func(*events.Event){
		"no id":      func(e *events.Event) { e.ID = "" },
		"no source":  func(e *events.Event) { e.Source = "" },
		"no type":    func(e *events.Event) { e.Type = "" },
		"no cluster": func(e *events.Event) { e.Cluster = "" },
		"no entity":  func(e *events.Event) { e.Entity = "" },
		"no data":    func(e *events.Event) { e.Data = nil },
		"no json":    func(e *events.Event) { e.Data = []byte("{") },
		"long id":    func(e *events.Event) { e.ID = strings.Repeat("x", 513) },
		"large":      func(e *events.Event) { e.Data = []byte(`"` + strings.Repeat("x", events.MaxData) + `"`) },
	} {
		evs := many(0, 3)
		spoil(&evs[1])
		_, err := s.Log.Append(t.Context(), evs...)
		if !events.IsPermanent(err) {
			t.Errorf("%s: append returned %v, want a permanent error", name, err)
		}
	}
	if got := history(t, s.Log, 0); len(got) != 0 {
		t.Errorf("%q were recorded", ids(got))
	}
}

func appendsNothing(t *testing.T, s *Store) {
	if receipts := record(t, s.Log); len(receipts) != 0 {
		t.Errorf("no event got receipts: %v", receipts)
	}
}

// callerGoesAway: a call whose ctx ended returns an error at once, and may be repeated.
func callerGoesAway(t *testing.T, s *Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Log.Append(ctx, event(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("append returned %v, want that its ctx was cancelled", err)
	}
	record(t, s.Log, event(1))
	same(t, "recorded", []string{"event/1"}, ids(history(t, s.Log, 0)))
}

// lostAck: an append whose acknowledgement was lost fails as unavailable; repeating it makes one event, not two.
func lostAck(t *testing.T, s *Store) {
	if s.LoseAck == nil {
		t.Skip("this log cannot lose an acknowledgement")
	}
	for n, size := range []int{1, 100} {
		evs := many(1000*n, 1000*n+size)
		s.LoseAck(t, func(ctx context.Context) error {
			_, err := s.Log.Append(ctx, evs...)
			return err
		})
		for _, ev := range evs {
			recordEventually(t, s.Log, ev)
		}
		got := history(t, s.Log, 0)
		if n == 0 {
			same(t, "recorded", idsOf(evs), ids(got))
		} else if len(got) != 101 {
			t.Errorf("%d events were recorded, want 101", len(got))
		}
	}
}

func closedAppend(t *testing.T, s *Store) {
	s.Close(t)
	if _, err := s.Log.Append(t.Context(), event(1)); !errors.Is(err, events.ErrClosed) {
		t.Errorf("append returned %v, want ErrClosed", err)
	}
}
