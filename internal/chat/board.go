package chat

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/salvor-io/salvor/internal/card"
	"github.com/salvor-io/salvor/internal/incident"
)

const (
	pace     = 1200 * time.Millisecond // between two calls to one channel: Slack takes 50 edits a minute
	callEnds = 10 * time.Second
	lease    = time.Minute      // a replica that is silent for so long has lost its messages to others
	settle   = 3 * time.Second  // what is decided within it is posted once it is decided, so that its first words are the ones that count
	idle     = 15 * time.Second // until an unchanged board is looked at again
	stale    = time.Minute      // until a card is edited whose words have changed and whose record has not
	lively   = 2 * time.Second  // the same while a plan is worked on
	ended    = 24 * time.Hour   // how long after its end a message is still brought up to date
	slowest  = 5 * time.Minute  // between two tries
)

// board is one channel and what it shows. It says one thing at a time.
type board struct {
	Options
	route   Route
	entries map[incident.ID]*entry
	wake    chan struct{}
	spoke   time.Time // when it made its last call

	failures int       // in a row, of the chat as a whole
	closed   time.Time // it takes nothing until then
}

// entry is what this replica knows of one message.
type entry struct {
	place    Place
	kept     uint64 // the place's sequence
	known    bool   // the place is the last one, as far as this replica was told
	shown    string // what was shown last by this replica
	shownAt  time.Time
	looked   uint64    // the record at which nothing was left to do
	look     time.Time // when to look at that record again
	again    time.Time // not looked at before
	failures int
}

func (b *board) run(ctx context.Context) error {
	for {
		again := time.NewTimer(b.round(ctx))
		select {
		case <-ctx.Done():
			again.Stop()
			return nil
		case <-again.C:
			continue
		case <-b.wake:
		}
		again.Stop()
		if !b.rested(ctx) {
			return nil
		}
	}
}

// rested waits until the next call may be made.
func (b *board) rested(ctx context.Context) bool {
	wait := time.NewTimer(b.rest())
	defer wait.Stop()
	select {
	case <-wait.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// rest is how long no call may be made.
func (b *board) rest() time.Duration {
	now := b.Clock()
	return max(0, b.spoke.Add(b.Pace).Sub(now), b.closed.Sub(now))
}

// round makes the most urgent call there is to make, if any, and says when to look again.
func (b *board) round(ctx context.Context) time.Duration {
	now := b.Clock()
	if now.Before(b.closed) {
		return b.closed.Sub(now)
	}
	due := b.due()
	for _, all := range []bool{false, true} {
		for _, inc := range due {
			e := b.entry(inc.ID)
			if now.Before(e.again) || inc.Seq == e.looked && now.Before(e.look) {
				continue
			}
			called, err := b.step(ctx, &inc, e, all)
			if ctx.Err() != nil {
				return idle
			}
			b.settle(&inc, e, err)
			if called || b.Clock().Before(b.closed) {
				return b.rest()
			}
		}
	}
	return b.until(due)
}

// until is how long nothing is to be done, as far as is known now.
func (b *board) until(due []incident.Incident) time.Duration {
	now := b.Clock()
	next := now.Add(idle)
	for _, inc := range due {
		e := b.entry(inc.ID)
		if now.Before(e.again) {
			next = earlier(next, e.again)
		} else if inc.Live() && now.Before(e.look) {
			next = earlier(next, e.look)
		}
	}
	return max(next.Sub(now), b.Pace)
}

// due are the incidents that the channel shows: those first who ask people, the most urgent first.
func (b *board) due() []incident.Incident {
	all := b.Incidents()
	known := map[incident.ID]bool{}
	all = slices.DeleteFunc(slices.Clone(all), func(inc incident.Incident) bool {
		return !b.route.takes(&inc) || !card.Worth(&inc) || !inc.Live() && b.Clock().Sub(inc.Since) > ended
	})
	for _, inc := range all {
		known[inc.ID] = true
	}
	for id := range b.entries {
		if !known[id] {
			delete(b.entries, id)
		}
	}
	slices.SortStableFunc(all, func(x, y incident.Incident) int { return cmp.Compare(urgency(&x), urgency(&y)) })
	return all
}

func urgency(inc *incident.Incident) int64 {
	switch a := inc.Asking(); {
	case a != nil:
		return a.Until.Unix()
	case inc.Live():
		return 1 << 40
	}
	return 1 << 41
}

func (b *board) entry(id incident.ID) *entry {
	e := b.entries[id]
	if e == nil {
		e = &entry{}
		b.entries[id] = e
	}
	return e
}

// settle notes what came of a step.
func (b *board) settle(inc *incident.Incident, e *entry, err error) {
	var unwell *Unwell
	switch now := b.Clock(); {
	case err == nil:
		e.failures = 0
	case errors.Is(err, b.Lost): // another replica was faster
		e.again = now.Add(b.Pace)
	case errors.As(err, &unwell):
		b.failures++
		b.closed = now.Add(max(unwell.After, backoff(b.failures)))
		b.Log.Warn("chat takes nothing, and is tried again", "channel", b.route.Channel.Name(), "after", b.closed.Sub(now).Round(time.Second), "error", err)
	default:
		e.failures++
		e.again = now.Add(backoff(e.failures))
		b.Log.Warn("an incident is not shown as it stands, and is tried again", "channel", b.route.Channel.Name(), "incident", inc.Name(), "after", e.again.Sub(now).Round(time.Second), "error", err)
	}
}

// backoff is how long to wait after so many failures in a row.
func backoff(failures int) time.Duration {
	wait := time.Second
	for ; failures > 1 && wait < slowest; failures-- {
		wait *= 2
	}
	return min(wait, slowest)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
