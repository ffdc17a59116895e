package witness

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/events/probe"
)

// outbox holds what no Salvor has taken yet: the newest probe of each target of each cluster. So it is bounded by what is probed.
type outbox struct {
	wake chan struct{} // takes one when something was put in

	mu      sync.Mutex
	pending map[place]events.Event
	unheard map[place]bool // of which no Salvor has taken what was new
}

type place struct{ cluster, entity string }

func newOutbox() *outbox {
	return &outbox{wake: make(chan struct{}, 1), pending: map[place]events.Event{}, unheard: map[place]bool{}}
}

// Append implements probe.Appender: it takes probes in place of older ones. What is said once more is new as long as nobody has heard it.
func (o *outbox) Append(_ context.Context, evs ...events.Event) ([]events.Receipt, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, ev := range evs {
		of, repeats := events.SaidOf(ev.Entity)
		at := place{ev.Cluster, of}
		if o.unheard[at] = o.unheard[at] || !repeats; o.unheard[at] {
			ev.Entity = of
		}
		o.pending[at] = ev
	}
	select {
	case o.wake <- struct{}{}:
	default:
	}
	return make([]events.Receipt, len(evs)), nil
}

// fresh are the probes that are worth something, the oldest first. Others are dropped.
func (o *outbox) fresh(now time.Time) (evs []events.Event, dropped int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := len(o.pending)
	maps.DeleteFunc(o.pending, func(_ place, ev events.Event) bool { return probe.Age(ev.Time, now) > probe.Worth })
	evs = slices.SortedFunc(maps.Values(o.pending), func(a, b events.Event) int { return a.Time.Compare(b.Time) })
	return evs, before - len(evs)
}

// taken drops what was taken, but not what came in its place meanwhile.
func (o *outbox) taken(evs []events.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, ev := range evs {
		of, _ := events.SaidOf(ev.Entity)
		if at := (place{ev.Cluster, of}); o.pending[at].ID == ev.ID {
			delete(o.pending, at)
			delete(o.unheard, at)
		}
	}
}
