package eventstest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/events"
)

// stamp is when the suite's events say they happened.
var stamp = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

// event is the nth event of the suite, on a subject of its own.
func event(n int) events.Event {
	return eventOf(n, fmt.Sprintf("node/worker-%d", n))
}

func eventOf(n int, entity string) events.Event {
	return events.Event{
		ID: fmt.Sprintf("event/%d", n), Source: "/eventstest", Type: events.TypeNode, Cluster: "prod-eu",
		Entity: entity, Time: stamp, Data: fmt.Appendf(nil, `{"n":%d}`, n),
	}
}

func many(from, to int) []events.Event {
	var out []events.Event
	for n := from; n < to; n++ {
		out = append(out, event(n))
	}
	return out
}

// record appends, and fails the test when that fails. A machine that is too busy for the two seconds of one append is no
// failure of the log: it gets two more tries.
func record(t *testing.T, log events.Log, evs ...events.Event) []events.Receipt {
	t.Helper()
	receipts, err := log.Append(t.Context(), evs...)
	for tries := 1; tries < 3 && errors.Is(err, events.ErrUnavailable); tries++ {
		t.Logf("append %d events again: %v", len(evs), err)
		receipts, err = log.Append(t.Context(), evs...)
	}
	if err != nil {
		t.Fatalf("append %d events: %v", len(evs), err)
	}
	if len(receipts) != len(evs) {
		t.Fatalf("%d events got %d receipts", len(evs), len(receipts))
	}
	return receipts
}

// recordEventually appends until it succeeds, as a source does.
func recordEventually(t *testing.T, log events.Log, ev events.Event) {
	t.Helper()
	var last error
	eventually(t, func() bool {
		_, last = log.Append(t.Context(), ev)
		if last != nil && !errors.Is(last, events.ErrUnavailable) {
			t.Fatalf("append: %v, want an error that is ErrUnavailable", last)
		}
		return last == nil
	}, func() string { return fmt.Sprintf("append never succeeded: %v", last) })
}

// eventually waits until cond holds.
func eventually(t *testing.T, cond func() bool, why func() string) {
	t.Helper()
	for begin := time.Now(); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > patience {
			t.Fatalf("waited %s: %s", patience, why())
		}
	}
}

// within waits for the channel.
func within[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("waited %s for %s", patience, what)
		panic("not reached")
	}
}

// history is everything the log has now, folded by a Follow of its own.
func history(t *testing.T, log events.Log, after uint64) []events.Recorded {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out []events.Recorded
	caughtUp := false
	err := log.Follow(ctx, after, func(ev events.Recorded) error {
		out = append(out, ev)
		return nil
	}, func() {
		caughtUp = true
		cancel()
	})
	if err != nil {
		t.Fatalf("follow: %v", err)
	}
	if !caughtUp {
		t.Fatal("follow was not caught up in time")
	}
	return out
}

// strictlyIncreasing fails when an event came twice or out of order.
func strictlyIncreasing(t *testing.T, evs []events.Recorded) {
	t.Helper()
	for i := 1; i < len(evs); i++ {
		if evs[i].Seq <= evs[i-1].Seq {
			t.Fatalf("event %q at place %d came after %q at place %d", evs[i].ID, evs[i].Seq, evs[i-1].ID, evs[i-1].Seq)
		}
	}
}

func ids(evs []events.Recorded) []string {
	var out []string
	for _, ev := range evs {
		out = append(out, ev.ID)
	}
	return out
}

func idsOf(evs []events.Event) []string {
	var out []string
	for _, ev := range evs {
		out = append(out, ev.ID)
	}
	return out
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

// running Follow or Subscribe, to be ended.
type activity struct {
	cancel context.CancelFunc
	done   chan error
}

func start(t *testing.T, run func(ctx context.Context) error) *activity {
	ctx, cancel := context.WithCancel(t.Context())
	a := &activity{cancel: cancel, done: make(chan error, 1)}
	go func() { a.done <- run(ctx) }()
	t.Cleanup(cancel)
	return a
}

// end cancels and expects a return without error.
func (a *activity) end(t *testing.T) {
	t.Helper()
	a.cancel()
	if err := within(t, "the return after its ctx ended", a.done); err != nil {
		t.Fatalf("it returned %v after its ctx ended, want nil", err)
	}
}

// tally collects events from several goroutines.
type tally struct {
	mu  sync.Mutex
	evs []events.Recorded
}

func (c *tally) add(ev events.Recorded) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.evs = append(c.evs, ev)
}

func (c *tally) all() []events.Recorded {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]events.Recorded(nil), c.evs...)
}

func (c *tally) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.evs)
}

// counts is how often each id came.
func (c *tally) counts() map[string]int {
	out := map[string]int{}
	for _, ev := range c.all() {
		out[ev.ID]++
	}
	return out
}

// await waits until n events came.
func (c *tally) await(t *testing.T, n int) {
	t.Helper()
	eventually(t, func() bool { return c.len() >= n }, func() string {
		return fmt.Sprintf("%d of %d events came", c.len(), n)
	})
}

// stacks lists all goroutines.
func stacks() []string {
	buf := make([]byte, 1<<20)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			return strings.Split(string(buf[:n]), "\n\n")
		}
		buf = make([]byte, 2*len(buf))
	}
}
