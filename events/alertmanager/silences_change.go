package alertmanager

import (
	"maps"
	"slices"
	"time"

	"github.com/salvor-io/salvor/events"
)

// change is a silence as it is to be published.
type change struct {
	next  kept
	state string
	again bool // its present state may have been published before, under the same id
}

// changes compares what is seen with what was published. What is missing counts as gone only when what is seen is complete.
func (s *Silences) changes(seen map[string]found, complete bool, now time.Time) []change {
	var out []change
	for _, id := range slices.Sorted(maps.Keys(seen)) {
		f := seen[id]
		k, was := s.known[id]
		gone := !k.gone.IsZero()
		switch {
		case f.state == expired && was && !gone:
			out = append(out, leave(f.Silence, f.updated, expired, now))
		case f.state != expired && (!was || gone || !same(k.Silence, f.Silence)):
			out = append(out, change{next: kept{Silence: f.Silence, updated: f.updated}, state: f.state, again: gone})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.known)) {
		k := s.known[id]
		_, still := seen[id]
		switch {
		case k.gone.IsZero() && !still && complete:
			out = append(out, leave(k.Silence, k.updated, "missing", now))
		case !k.gone.IsZero() && now.Sub(k.gone) > goneFor:
			delete(s.known, id)
		}
	}
	return out
}

func leave(silence events.Silence, updated time.Time, state string, now time.Time) change {
	silence.Gone = true
	return change{next: kept{Silence: silence, updated: updated, gone: now}, state: state, again: state == "missing"}
}

func same(a, b events.Silence) bool {
	return a.Gone == b.Gone && a.StartsAt.Equal(b.StartsAt) && a.EndsAt.Equal(b.EndsAt) && a.CreatedBy == b.CreatedBy && a.Comment == b.Comment &&
		slices.Equal(a.Matchers, b.Matchers)
}

// event has an id of its own for each state of each change, the same from every replica. One that may repeat an earlier id, since
// the silence had been there or missing before, is told apart by its time: what is repeated would be taken for a copy.
func (c change) event(now time.Time) (events.Event, error) {
	id := "silence/" + c.next.ID + "/" + c.next.updated.UTC().Format(time.RFC3339Nano) + "/" + c.state
	if c.again {
		id += "/" + now.UTC().Format(time.RFC3339)
	}
	ev, err := events.New(id, events.TypeSilence, silencesSource, events.Fleet, "silence/"+c.next.ID, now, c.next.Silence)
	if err == nil {
		err = ev.Validate()
	}
	return ev, err
}

const silencesSource = "/alertmanager/silences"
