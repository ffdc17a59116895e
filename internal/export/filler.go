package export

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/replay"
)

const (
	before    = time.Minute      // how long before the span time begins to be made up
	repeats   = 15 * time.Second // how long after what a sender said it is said again: twice as long, and nobody would believe it
	ticksSoon = 250 * time.Millisecond
)

// typeLost is an event of which nothing is kept but its place, at which something was judged. Nothing reads it: it lets time pass.
const typeLost events.Type = "io.salvor.lost.v1"

// place is one in the order of events.
type place struct {
	seq    uint64
	at     time.Time
	opened bool // an incident was opened there, so that it was a moment of judgement
	second int64
}

// notTick is the second of a place that was no tick.
const notTick = -1

// marks are the places at which something was judged that was recorded until a time, in order.
func marks(incidents []incident.Incident, to time.Time) []place {
	at := map[uint64]place{}
	for _, inc := range incidents {
		for _, rec := range inc.History {
			if rec.ViewSeq > 0 && !rec.At.After(to) {
				known := at[rec.ViewSeq]
				at[rec.ViewSeq] = place{seq: rec.ViewSeq, at: rec.At, opened: known.opened || rec.Kind == incident.Opened}
			}
		}
	}
	out := make([]place, 0, len(at))
	for _, m := range at {
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b place) int { return cmp.Compare(a.seq, b.seq) })
	return out
}

// filler gives the events of a log in order, and makes up for those that are not kept, at their places.
type filler struct {
	give  func(events.Recorded) error
	from  time.Time // nothing is made up long before that
	late  time.Duration
	marks []place
	again []events.Recorded // what senders say again and again, of whose repeats nothing that is kept was given yet, and when it last was given
	gaps  map[sender]bool   // those of whom repeats are missing, until one is given: all that come after it are kept
	nodes []events.Recorded // how nodes were of whom nothing was given yet, neither kept nor made up

	leases map[sender]events.Recorded // what was last given of the Leases of those nodes, which nobody heeds before the node is known

	last        place
	kept, ticks int    // of the span: events that were given, and ticks that were made up
	missing     uint64 // places of the span of which nothing is kept
}

// event gives an event, after what is made up before it.
func (f *filler) event(ev events.Recorded) error {
	here := place{seq: ev.Seq, at: ev.At, second: notTick}
	if ev.Type == events.TypeTick {
		here.second = ev.At.Unix()
	}
	if err := f.fill(here); err != nil {
		return err
	}
	f.known(ev)
	if !ev.At.Before(f.from) {
		f.kept++
	}
	f.last = here
	return f.give(ev)
}

// known notes that what is kept of something has come: nothing of it is made up any more.
func (f *filler) known(ev events.Recorded) {
	of := senderOf(ev.Event)
	same := func(other events.Recorded) bool { return senderOf(other.Event) == of }
	switch ev.Type {
	case events.TypeNode:
		f.nodes = slices.DeleteFunc(f.nodes, same)
	case events.TypeObserver, events.TypeProbe, events.TypeHeartbeat:
		f.again = slices.DeleteFunc(f.again, same)
		if _, repeats := events.SaidOf(ev.Entity); repeats {
			delete(f.gaps, of)
		} else if f.gaps[of] {
			f.again = append(f.again, ev)
		}
	case events.TypeLease:
		if of.typ = string(events.TypeNode); slices.ContainsFunc(f.nodes, same) {
			if f.leases == nil {
				f.leases = map[sender]events.Recorded{}
			}
			f.leases[of] = ev
		}
	}
}

// errEnd says that an event is not of the span any more.
var errEnd = errors.New("the span ends")

// upTo gives an event if it was recorded until a time. Of a later one it gives what is made up before, and returns errEnd.
func (f *filler) upTo(to time.Time, ev events.Recorded) error {
	if !ev.At.After(to) {
		return f.event(ev)
	}
	if err := f.fill(place{seq: ev.Seq, at: to, second: notTick}); err != nil {
		return err
	}
	return errEnd
}

// fill makes up what lies between the last place and the next, of which all is kept.
func (f *filler) fill(next place) error {
	for len(f.marks) > 0 && f.marks[0].seq <= next.seq {
		m := f.marks[0]
		f.marks = f.marks[1:]
		if m.seq == next.seq || m.seq <= f.last.seq || m.at.Before(f.last.at) || m.at.After(next.at) {
			continue
		}
		if err := f.mark(m); err != nil {
			return err
		}
	}
	return f.between(next)
}

// mark makes up the event at which something was judged. If it can have been a tick it is one.
func (f *filler) mark(m place) error {
	m.second = notTick
	if m.opened || m.at.Sub(m.at.Truncate(time.Second)) < ticksSoon {
		m.second = m.at.Unix()
	}
	if err := f.between(m); err != nil {
		return err
	}
	f.last = m
	if !m.at.Before(f.from) {
		f.missing++
	}
	if m.second != notTick {
		return f.tick(m.seq, m.second, m.at)
	}
	return f.made(m.seq, m.at, events.Event{ID: "lost/" + strconv.FormatUint(m.seq, 10), Type: typeLost, Cluster: events.Fleet, Entity: "lost/event", Data: []byte("{}")})
}

// existed gives the nodes that are to be known, at the first places where there is room.
func (f *filler) existed(next place) error {
	for len(f.nodes) > 0 && next.seq > f.last.seq+1 {
		node := f.nodes[0]
		lease, silent := f.leases[senderOf(node.Event)]
		if silent && next.seq <= f.last.seq+2 {
			return nil
		}
		f.nodes = f.nodes[1:]
		if f.last.seq == 0 {
			f.last = place{at: next.at, second: notTick}
		}
		f.last.seq++
		if err := f.made(f.last.seq, f.last.at, node.Event); err != nil {
			return err
		}
		if silent {
			f.last.seq++
			lease.ID += "/again"
			if err := f.made(f.last.seq, f.last.at, lease.Event); err != nil {
				return err
			}
		}
	}
	return nil
}

// between lets time pass between the last place and the next, as far as there is room.
func (f *filler) between(next place) error {
	if next.seq <= f.last.seq {
		return nil
	}
	if err := f.existed(next); err != nil {
		return err
	}
	room := next.seq - f.last.seq - 1
	if f.last.seq == 0 || room == 0 || next.at.Before(f.from) {
		return nil
	}
	f.missing += f.inSpan(room, next)
	first, last := f.seconds(next)
	if first > last {
		return nil
	}
	ticks := uint64(last - first + 1)
	spare := room - min(room, ticks)
	seq := f.last.seq
	for n := uint64(0); n < ticks; n++ {
		second := first + int64(n)
		at := time.Unix(second, 0).Add(f.late).UTC()
		for spare > 0 && f.due(at) {
			spare--
			seq++
			if err := f.sayAgain(seq, at); err != nil {
				return err
			}
		}
		if ticks > room && n*room/ticks == (n+1)*room/ticks {
			continue // of more seconds than there is room for, some are left out
		}
		seq++
		if err := f.tick(seq, second, at); err != nil {
			return err
		}
	}
	return nil
}

// due says whether the sender who was given longest ago is to be given again.
func (f *filler) due(at time.Time) bool {
	return len(f.again) > 0 && at.Sub(f.again[0].At) >= repeats
}

// sayAgain gives what that one said.
func (f *filler) sayAgain(seq uint64, at time.Time) error {
	said := f.again[0]
	said.At = at
	f.again = append(f.again[1:len(f.again):len(f.again)], said)
	ev := said.Event
	ev.ID = fmt.Sprintf("%s/again/%d", ev.ID, at.Unix())
	return f.made(seq, at, ev)
}

// inSpan is how many of the places before the next belong to the span: all, unless it begins between them.
func (f *filler) inSpan(room uint64, next place) uint64 {
	whole := next.at.Sub(f.last.at)
	if !f.last.at.Before(f.from) || whole <= 0 {
		return room
	}
	return uint64(float64(room) * next.at.Sub(f.from).Seconds() / whole.Seconds())
}

// seconds are the first and the last second of which a tick belongs between the last place and the next.
func (f *filler) seconds(next place) (first, last int64) {
	begin := f.last.at
	if early := f.from.Add(-before); begin.Before(early) {
		begin = early
	}
	first = begin.Add(-f.late).Unix() + 1
	if f.last.second != notTick {
		first = max(first, f.last.second+1)
	}
	last = next.at.Add(-f.late - 1).Unix()
	if next.second != notTick {
		last = min(last, next.second-1)
	}
	return first, last
}

func (f *filler) tick(seq uint64, second int64, at time.Time) error {
	if !at.Before(f.from) {
		f.ticks++
	}
	ev := events.Event{ID: "tick/" + strconv.FormatInt(second, 10), Type: events.TypeTick, Cluster: events.Fleet, Entity: "tick/clock",
		Data: fmt.Appendf(nil, `{"second":%d}`, second)}
	return f.made(seq, at, ev)
}

func (f *filler) made(seq uint64, at time.Time, ev events.Event) error {
	ev.Source, ev.Time = replay.MadeUp, at
	return f.give(events.Recorded{Event: ev, Seq: seq, At: at})
}
