// Package memory keeps events in memory: the honest double of the durable log, for tests and for replaying. It keeps every
// promise of [events.Log] that does not outlive the process, and forgets what the durable one forgets: of each subject it
// keeps the last 8 events, and it recognises a duplicate for 15 minutes.
package memory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/salvor-io/salvor/events"
)

const (
	perSubject  = 8
	dedupWindow = 15 * time.Minute
	prefix      = "salvor.event"
)

// Log is an [events.Log] in memory. The zero value is not usable, see [New].
type Log struct {
	now func() time.Time

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced when there is something new to do
	kept     []events.Recorded
	last     uint64
	subjects map[string][]uint64 // places kept of each subject, oldest first
	seen     map[string]sighting // by event ID, those within the dedup window
	sighted  []string            // the IDs in seen, oldest first
	shares   map[string]*share   // by name of the subscription
	letters  []Letter
	closed   bool
	closing  chan struct{}
}

// sighting remembers an ID for the dedup window.
type sighting struct {
	seq uint64
	at  time.Time
}

// New gives an empty log whose events are accepted at the time that now tells.
func New(now func() time.Time) *Log {
	return &Log{
		now:      now,
		changed:  make(chan struct{}),
		subjects: map[string][]uint64{},
		seen:     map[string]sighting{},
		shares:   map[string]*share{},
		closing:  make(chan struct{}),
	}
}

// Append implements [events.Log].
func (l *Log) Append(ctx context.Context, evs ...events.Event) ([]events.Receipt, error) {
	for _, ev := range evs {
		if err := ev.Validate(); err != nil {
			return nil, fmt.Errorf("append event: %w", events.Permanent(err))
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("append %d events: %w", len(evs), err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, fmt.Errorf("append %d events: %w", len(evs), events.ErrClosed)
	}
	receipts := make([]events.Receipt, len(evs))
	for i, ev := range evs {
		receipts[i] = l.record(ev)
	}
	l.wake()
	return receipts, nil
}

// record takes one valid event, unless its ID was seen within the window.
func (l *Log) record(ev events.Event) events.Receipt {
	at := l.now().UTC().Round(0)
	l.expire(at)
	if first, ok := l.seen[ev.ID]; ok {
		return events.Receipt{Seq: first.seq, Duplicate: true}
	}
	l.last++
	ev.Time = ev.Time.UTC().Round(0)
	ev.Data = slices.Clone(ev.Data)
	l.kept = append(l.kept, events.Recorded{Event: ev, Seq: l.last, At: at})
	l.seen[ev.ID] = sighting{seq: l.last, at: at}
	l.sighted = append(l.sighted, ev.ID)
	l.trim(ev.Subject(prefix))
	return events.Receipt{Seq: l.last}
}

// expire forgets the IDs that were seen before the window.
func (l *Log) expire(now time.Time) {
	for len(l.sighted) > 0 && now.Sub(l.seen[l.sighted[0]].at) >= dedupWindow {
		delete(l.seen, l.sighted[0])
		l.sighted = l.sighted[1:]
	}
}

// trim notes the last event as one of its subject, and drops the subject's oldest when there are too many.
func (l *Log) trim(subject string) {
	places := append(l.subjects[subject], l.last)
	if len(places) > perSubject {
		i, _ := l.find(places[0])
		l.kept = slices.Delete(l.kept, i, i+1)
		places = places[1:]
	}
	l.subjects[subject] = places
}

// find gives the index of the first event kept at or after the place, and whether it is the one at the place.
func (l *Log) find(seq uint64) (int, bool) {
	return slices.BinarySearchFunc(l.kept, seq, func(ev events.Recorded, seq uint64) int {
		switch {
		case ev.Seq < seq:
			return -1
		case ev.Seq > seq:
			return 1
		}
		return 0
	})
}

// wake tells everybody who waits that something changed.
func (l *Log) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// Follow implements [events.Log]. It returns an error also when the log ends before the sequence given, and
// [events.ErrClosed] when the Log is closed.
func (l *Log) Follow(ctx context.Context, after uint64, fold func(events.Recorded) error, caughtUp func()) error {
	l.mu.Lock()
	target := l.last
	l.mu.Unlock()
	if after > target {
		return fmt.Errorf("follow after %d: the log ends at %d, it is not the log this was folded from", after, target)
	}
	for ctx.Err() == nil {
		ev, found, changed, err := l.next(after)
		if err != nil {
			return err
		}
		if caughtUp != nil && (!found || ev.Seq > target) {
			caughtUp()
			caughtUp = nil
		}
		if found {
			if err := fold(ev); err != nil {
				return err
			}
			after = ev.Seq
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	return nil
}

// next gives the first event after the place, or what to wait for when there is none yet.
func (l *Log) next(after uint64) (ev events.Recorded, found bool, changed <-chan struct{}, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ev, false, nil, events.ErrClosed
	}
	i, _ := l.find(after + 1)
	if i == len(l.kept) {
		return ev, false, l.changed, nil
	}
	return l.copyAt(i), true, nil, nil
}

// copyAt gives away an event whose payload nobody else holds.
func (l *Log) copyAt(i int) events.Recorded {
	ev := l.kept[i]
	ev.Data = slices.Clone(ev.Data)
	return ev
}

// Healthy says that the Log was closed, or nil.
func (l *Log) Healthy() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return events.ErrClosed
	}
	return nil
}

// Close ends the Log: appends fail with [events.ErrClosed], calls of Follow and Subscribe return it, the latter after
// handlers in flight. It may be repeated.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	close(l.closing)
	l.wake()
	return nil
}

// ended is what a call returns whose ctx ended: nothing when the caller ended it.
func ended(ctx context.Context) error {
	if errors.Is(context.Cause(ctx), events.ErrClosed) {
		return events.ErrClosed
	}
	return nil
}
