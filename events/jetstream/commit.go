package jetstream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/salvor-io/salvor/events"
)

const (
	maxGroup       = 1000                  // messages of one atomic batch: the server's bound
	maxGroupBytes  = 4 << 20               // bytes of one atomic batch, unless a single message is larger
	maxLinger      = 20 * time.Millisecond // after a large group, for those it answered to come back with more
	maxQueued      = 4096                  // appends that wait
	maxQueuedBytes = 64 << 20              // bytes that wait
)

// request is one Append that waits for its messages to be committed.
type request struct {
	msgs    []*nats.Msg
	size    int
	expires time.Time
	done    chan result // takes one
}

type result struct {
	receipts []events.Receipt
	err      error
}

// committer commits one group of appends at a time: what queues while one is under way makes the next group. An append
// that meets no other is committed at once and alone.
type committer struct {
	pub    *publisher
	report func(err error) // is told of each commit how it went

	mu     sync.Mutex
	queue  []*request
	size   int // bytes in queue
	busy   bool
	closed bool
	wanted int           // requests that enough stands for; 0 when nobody waits for them
	enough chan struct{} // takes one, when wanted requests queue
	idle   sync.WaitGroup
}

func newCommitter(pub *publisher, report func(error)) *committer {
	return &committer{pub: pub, report: report, enough: make(chan struct{}, 1)}
}

// submit commits the messages and waits for the outcome, at most until ctx ends.
func (c *committer) submit(ctx context.Context, msgs []*nats.Msg) ([]events.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return nil, gaveUp(ctx)
	}
	r := &request{msgs: msgs, done: make(chan result, 1)}
	r.expires, _ = ctx.Deadline()
	for _, m := range msgs {
		r.size += m.Size()
	}
	if err := c.enqueue(r); err != nil {
		return nil, err
	}
	select {
	case res := <-r.done:
		return res.receipts, res.err
	case <-ctx.Done():
		return nil, gaveUp(ctx)
	}
}

// gaveUp says why nobody waits any more: the caller went away, or time ran out.
func gaveUp(ctx context.Context) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, context.Canceled) {
		return cause
	}
	return unavailable(fmt.Errorf("no answer in time: %w", cause))
}

func (c *committer) enqueue(r *request) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return events.ErrClosed
	}
	if len(c.queue) > 0 && (len(c.queue) >= maxQueued || c.size+r.size > maxQueuedBytes) {
		return fmt.Errorf("%w: %d appends (%d bytes) wait already", events.ErrUnavailable, len(c.queue), c.size)
	}
	c.queue = append(c.queue, r)
	c.size += r.size
	if !c.busy {
		c.busy = true
		c.idle.Go(c.run)
	}
	if c.wanted > 0 && len(c.queue) >= c.wanted {
		c.wanted = 0
		c.enough <- struct{}{}
	}
	return nil
}

// run commits groups until none waits.
func (c *committer) run() {
	for group := c.next(); group != nil; group = c.next() {
		began := time.Now()
		c.commit(group)
		if len(group) >= batchFrom {
			c.gather(len(group), min(time.Since(began), maxLinger))
		}
	}
}

// gather waits a moment until those that were just answered queue beside those that wait already. Only a group so large that it
// went as a batch is worth it: a batch costs much, and little more when it is larger. Without the wait, callers who come back at
// once would form two camps, each waiting while the other is committed.
func (c *committer) gather(answered int, linger time.Duration) {
	c.mu.Lock()
	n := min(answered+len(c.queue), maxGroup)
	if len(c.queue) >= n || c.closed {
		c.mu.Unlock()
		return
	}
	c.wanted = n
	c.mu.Unlock()
	timer := time.NewTimer(linger)
	defer timer.Stop()
	select {
	case <-c.enough:
		return
	case <-timer.C:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wanted == 0 {
		<-c.enough
	}
	c.wanted = 0
}

// next takes what waits, as much as fits one group; nil means that the committer is idle from now on. Appends nobody
// waits for any more are left out.
func (c *committer) next() []*request {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	var group []*request
	count, size := 0, 0
	for len(c.queue) > 0 {
		r := c.queue[0]
		if len(group) > 0 && (count+len(r.msgs) > maxGroup || size+r.size > maxGroupBytes) {
			break
		}
		c.queue[0] = nil
		c.queue = c.queue[1:]
		c.size -= r.size
		if now.After(r.expires) {
			continue
		}
		group = append(group, r)
		count += len(r.msgs)
		size += r.size
	}
	if group == nil {
		c.queue = nil
		c.busy = false
	}
	return group
}

// commit records the messages of a group, those of equal ids once, and answers each request.
func (c *committer) commit(group []*request) {
	ctx, cancel := context.WithTimeout(context.Background(), appendWithin)
	defer cancel()
	var distinct []*item
	byID := make(map[string]*item)
	for _, r := range group {
		for _, m := range r.msgs {
			if id := idOf(m); byID[id] == nil {
				byID[id] = &item{msg: m}
				distinct = append(distinct, byID[id])
			}
		}
	}
	c.pub.publish(ctx, distinct)
	c.report(firstError(distinct))
	for _, r := range group {
		r.done <- r.collect(byID)
	}
}

// collect picks the request's outcomes. Only the first that asks for a message recorded it; the next find a duplicate.
func (r *request) collect(byID map[string]*item) result {
	receipts := make([]events.Receipt, len(r.msgs))
	for i, m := range r.msgs {
		it := byID[idOf(m)]
		if it.err != nil {
			return result{err: unavailable(it.err)}
		}
		receipts[i] = events.Receipt{Seq: it.seq, Duplicate: it.duplicate}
		it.duplicate = true
	}
	return result{receipts: receipts}
}

func firstError(items []*item) error {
	for _, it := range items {
		if it.err != nil {
			return it.err
		}
	}
	return nil
}

// close refuses further appends and waits for those that wait.
func (c *committer) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.idle.Wait()
}
