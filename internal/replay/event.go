package replay

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/salvor-io/salvor/events"
)

// told is an event as a line.
type told struct {
	Seq     uint64          `json:"seq"`
	At      time.Time       `json:"at"`
	ID      string          `json:"id"`
	Source  string          `json:"source"`
	Type    events.Type     `json:"type"`
	Cluster string          `json:"cluster"`
	Entity  string          `json:"entity"`
	Time    time.Time       `json:"time"`
	Data    json.RawMessage `json:"data"`
}

func tell(ev events.Recorded) told {
	return told{ev.Seq, ev.At.UTC(), ev.ID, ev.Source, ev.Type, ev.Cluster, ev.Entity, ev.Time.UTC(), ev.Data}
}

func (t told) recorded() events.Recorded {
	return events.Recorded{Seq: t.Seq, At: t.At, Event: events.Event{ID: t.ID, Source: t.Source, Type: t.Type, Cluster: t.Cluster,
		Entity: t.Entity, Time: t.Time, Data: t.Data}}
}

// scanEvent reads an event of exactly the form in which a told is rendered, in one go and without a look into its data: a recording
// has millions. It says no to any other form, which may be well all the same.
func scanEvent(line []byte) (ev events.Recorded, ok bool) {
	s := scanner{rest: line}
	ev.Seq = s.number(`{"seq":`)
	ev.At = s.time(`,"at":"`)
	ev.ID = s.text(`,"id":"`)
	ev.Source = s.text(`,"source":"`)
	ev.Type = events.Type(s.text(`,"type":"`))
	ev.Cluster = s.text(`,"cluster":"`)
	ev.Entity = s.text(`,"entity":"`)
	ev.Time = s.time(`,"time":"`)
	s.skip(`,"data":`)
	data, closed := bytes.CutSuffix(bytes.TrimRight(s.rest, "\r\n"), []byte("}"))
	ev.Data = bytes.Clone(data)
	return ev, closed && !s.lost && len(data) > 0
}

// scanner reads what follows a known beginning, again and again. Once that is not there it is lost.
type scanner struct {
	rest []byte
	lost bool
}

func (s *scanner) skip(begin string) {
	if len(s.rest) < len(begin) || string(s.rest[:len(begin)]) != begin {
		s.lost, s.rest = true, nil
		return
	}
	s.rest = s.rest[len(begin):]
}

func (s *scanner) number(begin string) (n uint64) {
	const digits = 19 // none of so many is too large
	s.skip(begin)
	i := 0
	for ; i < len(s.rest) && i < digits && s.rest[i] >= '0' && s.rest[i] <= '9'; i++ {
		n = 10*n + uint64(s.rest[i]-'0')
	}
	s.lost = s.lost || i == 0
	s.rest = s.rest[i:]
	return n
}

// quoted is what stands before the next quote. A text with anything escaped is not of this form.
func (s *scanner) quoted(begin string) []byte {
	s.skip(begin)
	end := bytes.IndexByte(s.rest, '"')
	if end < 0 || bytes.IndexByte(s.rest[:end], '\\') >= 0 {
		s.lost, s.rest = true, nil
		return nil
	}
	text := s.rest[:end]
	s.rest = s.rest[end+1:]
	return text
}

func (s *scanner) text(begin string) string { return string(s.quoted(begin)) }

func (s *scanner) time(begin string) (at time.Time) {
	if err := at.UnmarshalText(s.quoted(begin)); err != nil {
		s.lost = true
	}
	return at
}

// MadeUp is the source of events that an export made up in place of others that are not kept any more.
const MadeUp = "/salvor/export"
