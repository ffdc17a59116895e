package jetstream

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/salvor-io/salvor/events"
)

// newRequest asks for the samples, as one Append.
func newRequest(t *testing.T, samples ...int) *request {
	t.Helper()
	r := &request{expires: time.Now().Add(time.Hour), done: make(chan result, 1)}
	for _, n := range samples {
		msg, err := encode(sample(n))
		if err != nil {
			t.Fatal(err)
		}
		r.msgs = append(r.msgs, msg)
		r.size += msg.Size()
	}
	return r
}

// TestQueueIsBounded: what waits is bounded in number and in bytes; who finds it full is told at once.
func TestQueueIsBounded(t *testing.T) {
	c := newCommitter(nil, nil)
	c.busy = true // nothing is taken
	for n := range maxQueued {
		if err := c.enqueue(newRequest(t, n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.enqueue(newRequest(t, 0)); !errors.Is(err, events.ErrUnavailable) {
		t.Errorf("one more returned %v, want ErrUnavailable", err)
	}
	c = newCommitter(nil, nil)
	c.busy = true
	large := &request{size: maxQueuedBytes + 1}
	if err := c.enqueue(large); err != nil {
		t.Errorf("a large one that waits alone returned %v", err)
	}
	if err := c.enqueue(newRequest(t, 0)); !errors.Is(err, events.ErrUnavailable) {
		t.Errorf("one more byte returned %v, want ErrUnavailable", err)
	}
}

// TestNextGroup: a group is what waits, as much as fits one batch, without those nobody waits for any more.
func TestNextGroup(t *testing.T) {
	c := newCommitter(nil, nil)
	c.busy = true
	add := func(r *request) *request {
		if err := c.enqueue(r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	one := add(newRequest(t, 1))
	gone := newRequest(t, 2)
	gone.expires = time.Now().Add(-time.Second)
	add(gone)
	three := add(newRequest(t, 3, 4, 5))
	many := add(&request{msgs: make([]*nats.Msg, maxGroup-4), expires: one.expires})
	more := add(&request{msgs: make([]*nats.Msg, 2*maxGroup), expires: one.expires})
	big := add(&request{msgs: make([]*nats.Msg, 1), size: 2 * maxGroupBytes, expires: one.expires})
	last := add(newRequest(t, 6))
	for i, want := range [][]*request{{one, three, many}, {more}, {big}, {last}, nil} {
		got := c.next()
		if len(got) != len(want) {
			t.Fatalf("group %d has %d requests, want %d", i, len(got), len(want))
		}
		for j := range want {
			if got[j] != want[j] {
				t.Errorf("group %d has another request at %d", i, j)
			}
		}
	}
	if c.busy || c.size != 0 {
		t.Errorf("busy %t with %d bytes after all was taken", c.busy, c.size)
	}
}

// TestAppendsShareBatches: appends that queue while one is under way are committed together, each with its own receipt.
func TestAppendsShareBatches(t *testing.T) {
	t.Parallel()
	conn := embed(t, t.TempDir())
	log := openLog(t, conn, Options{})
	const callers = 200
	log.appends.mu.Lock()
	log.appends.busy = true // one is under way
	log.appends.mu.Unlock()
	places := make([]uint64, callers)
	var wg sync.WaitGroup
	for n := range callers {
		wg.Go(func() {
			receipts, err := log.Append(t.Context(), sample(n), sample(n%10))
			if err != nil {
				t.Errorf("append: %v", err)
				return
			}
			places[n] = receipts[0].Seq
		})
	}
	for queued := 0; queued < callers; {
		log.appends.mu.Lock()
		queued = len(log.appends.queue)
		log.appends.mu.Unlock()
	}
	log.appends.run()
	wg.Wait()
	if t.Failed() {
		return
	}
	stream, err := conn.JetStream().Stream(t.Context(), EventsStream)
	if err != nil {
		t.Fatal(err)
	}
	batches := map[string]bool{}
	for n, seq := range places {
		msg, err := stream.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatalf("event %d at %d: %v", n, seq, err)
		}
		if msg.Header.Get("ce-id") != sample(n).ID {
			t.Errorf("event %d was told place %d, where %s is", n, seq, msg.Header.Get("ce-id"))
		}
		batches[msg.Header.Get(headerBatchID)] = true
	}
	if len(batches) != 1 || batches[""] {
		t.Errorf("%d callers made %d batches, want 1", callers, len(batches))
	}
}

// TestGatherEnds: the committer waits for those it answered only a moment, and no longer than until they are there.
func TestGatherEnds(t *testing.T) {
	c := newCommitter(nil, nil)
	c.busy = true
	c.gather(1000, time.Millisecond) // nobody comes
	var wg sync.WaitGroup
	wg.Go(func() { c.gather(1, time.Minute) })
	waits := func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.wanted == 1
	}
	for !waits() {
		runtime.Gosched()
	}
	if err := c.enqueue(newRequest(t, 1)); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if c.wanted != 0 || len(c.enough) != 0 {
		t.Errorf("wanted is %d with %d signals left", c.wanted, len(c.enough))
	}
}

// TestCloseWaits: Close returns after the appends under way, which succeed, and refuses further ones.
func TestCloseWaits(t *testing.T) {
	log := openLog(t, embed(t, t.TempDir()), Options{})
	var wg sync.WaitGroup
	for n := range 50 {
		wg.Go(func() {
			if _, err := log.Append(context.Background(), sample(n)); err != nil && !errors.Is(err, events.ErrClosed) {
				t.Errorf("append: %v, want success or ErrClosed", err)
			}
		})
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if _, err := log.Append(t.Context(), sample(1)); !errors.Is(err, events.ErrClosed) {
		t.Errorf("append to a closed log returned %v", err)
	}
}
