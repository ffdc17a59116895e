package scene

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/salvor-io/salvor/events"
)

// replica is the one whose watches a scene tells of.
const replica = "scene"

// repeat is something that somebody says again and again by himself until it is told otherwise.
type repeat struct {
	key   string // cluster, type and entity
	every time.Duration
	last  time.Time
	say   func(entity func(string) string) error // with what makes the entity of something new, or of what was said before
	anew  bool                                   // it says something new the next time
}

// keep has something said now and again every so often.
func (s *stage) keep(key string, every time.Duration, say func(entity func(string) string) error) error {
	s.drop(key)
	s.repeats = append(s.repeats, &repeat{key: key, every: every, last: s.now, say: say})
	return say(anew)
}

// anew is the entity of something new.
func anew(entity string) string { return entity }

func (s *stage) drop(key string) bool {
	before := len(s.repeats)
	s.repeats = slices.DeleteFunc(s.repeats, func(r *repeat) bool { return r.key == key })
	return len(s.repeats) < before
}

// pass lets time pass, second by second.
func (s *stage) pass(word string) error {
	d, err := time.ParseDuration(word)
	if err != nil || d <= 0 || s.now.Add(d).Sub(s.began) > most {
		return fmt.Errorf("%q is no time that can pass, such as +30s; a scene is at most %s long", word, most)
	}
	for end := s.now.Add(d); s.now.Before(end); {
		if next := s.now.Truncate(time.Second).Add(time.Second); next.After(end) {
			s.now = end
			break
		} else {
			s.now = next
		}
		if err := s.second(); err != nil {
			return err
		}
	}
	return nil
}

// second records a tick, and what is said again by then.
func (s *stage) second() error {
	for _, r := range slices.Clone(s.repeats) {
		if s.now.Sub(r.last) >= r.every {
			entity := events.Again
			if r.anew {
				entity = anew
			}
			r.last, r.anew = s.now, false
			if err := r.say(entity); err != nil {
				return err
			}
		}
	}
	at := s.now.Unix()
	return s.record("tick/"+strconv.FormatInt(at, 10), events.TypeTick, "/salvor/clock", events.Fleet, "tick/clock", events.Tick{Second: at})
}

func (s *stage) record(id string, typ events.Type, source, cluster, entity string, payload any) error {
	ev, err := events.New(id, typ, source, cluster, entity, s.now, payload)
	if err == nil {
		err = ev.Validate()
	}
	if err != nil {
		return err
	}
	return s.happens(ev)
}

// happens adds an event, as far as there is room for it.
func (s *stage) happens(ev events.Event) error {
	if len(s.steps) >= mostSteps {
		return fmt.Errorf("more than %d events: let less time pass, or fewer clusters be watched", mostSteps)
	}
	s.steps = append(s.steps, Step{At: s.now, Event: &ev})
	return nil
}
