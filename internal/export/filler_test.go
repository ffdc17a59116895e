package export

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/replay"
)

var dawn = time.Date(2026, 4, 1, 6, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time {
	return dawn.Add(time.Duration(seconds*1e6) * time.Microsecond).Round(time.Millisecond)
}

func seen(seq uint64, when time.Time, typ events.Type, payload any) events.Recorded {
	data, err := json.Marshal(payload)
	if err != nil {
		panic(err)
	}
	return events.Recorded{Seq: seq, At: when, Event: events.Event{ID: fmt.Sprint(typ, seq), Type: typ, Cluster: "prod", Entity: string(typ) + "/x", Time: when, Data: data}}
}

func well(seq uint64, when time.Time) events.Recorded {
	return seen(seq, when, events.TypeObserver, events.Observer{Watch: "nodes", Seeing: true, Synced: true})
}

// told is what a filler gave, each as "seq second what".
func told(all []events.Recorded) []string {
	var out []string
	for _, ev := range all {
		what := strings.TrimSuffix(strings.TrimPrefix(string(ev.Type), "io.salvor."), ".v1")
		if ev.Source == replay.MadeUp {
			what += "*"
		}
		out = append(out, fmt.Sprintf("%d %v %s", ev.Seq, ev.At.Sub(dawn).Seconds(), what))
	}
	return out
}

func TestFiller(t *testing.T) {
	node := func(seq uint64, seconds float64) events.Recorded {
		return seen(seq, at(seconds), events.TypeNode, events.Node{Name: "a"})
	}
	tick := func(seq uint64, seconds float64) events.Recorded {
		return seen(seq, at(seconds), events.TypeTick, events.Tick{Second: at(seconds).Unix()})
	}
	lease := func(seq uint64, seconds float64) events.Recorded {
		ev := seen(seq, at(seconds), events.TypeLease, events.Lease{Node: "a"})
		ev.Entity = node(0, 0).Entity
		return ev
	}
	for name, c := range map[string]struct {
		fill filler
		log  []events.Recorded
		want []string
	}{
		"all is kept":                  {filler{}, []events.Recorded{node(1, 0), node(2, 9)}, []string{"1 0 node", "2 9 node"}},
		"ticks":                        {filler{late: 2 * time.Millisecond}, []events.Recorded{node(1, 0.5), node(9, 3.5)}, []string{"1 0.5 node", "2 1.002 tick*", "3 2.002 tick*", "4 3.002 tick*", "9 3.5 node"}},
		"ticks beside ticks":           {filler{}, []events.Recorded{tick(1, 1.003), tick(9, 3.004)}, []string{"1 1.003 tick", "2 2 tick*", "9 3.004 tick"}},
		"no room for all":              {filler{}, []events.Recorded{node(1, 0.5), node(4, 4.5)}, []string{"1 0.5 node", "2 2 tick*", "3 4 tick*", "4 4.5 node"}},
		"before the span":              {filler{from: at(100)}, []events.Recorded{node(1, 0), node(90, 99)}, []string{"1 0 node", "90 99 node"}},
		"judged at a tick":             {filler{marks: []place{{seq: 5, at: at(2.01)}}}, []events.Recorded{node(1, 0.5), node(9, 3.5)}, []string{"1 0.5 node", "2 1 tick*", "5 2.01 tick*", "6 3 tick*", "9 3.5 node"}},
		"judged between ticks":         {filler{marks: []place{{seq: 5, at: at(2.5)}}}, []events.Recorded{node(1, 1.5), node(9, 2.6)}, []string{"1 1.5 node", "2 2 tick*", "5 2.5 lost*", "9 2.6 node"}},
		"opened between ticks":         {filler{marks: []place{{seq: 5, at: at(2.5), opened: true}}}, []events.Recorded{node(1, 1.5), node(9, 2.6)}, []string{"1 1.5 node", "5 2.5 tick*", "9 2.6 node"}},
		"judged at what is kept":       {filler{marks: []place{{seq: 1, at: at(0)}, {seq: 2, at: at(1)}}}, []events.Recorded{node(1, 0), node(2, 1)}, []string{"1 0 node", "2 1 node"}},
		"judged at times that go back": {filler{marks: []place{{seq: 2, at: at(-1)}, {seq: 3, at: at(9)}}}, []events.Recorded{node(1, 0.1), node(4, 0.9)}, []string{"1 0.1 node", "4 0.9 node"}},
		"a sender": {filler{again: []events.Recorded{well(30, time.Time{})}}, []events.Recorded{node(1, 0.5), node(9, 3.5), node(20, 16.5), well(30, at(18))},
			[]string{"1 0.5 node", "2 1 observer*", "3 1 tick*", "4 2 tick*", "5 3 tick*", "9 3.5 node", "10 5 tick*", "11 6 tick*", "12 7 tick*", "13 9 tick*", "14 10 tick*", "15 11 tick*",
				"16 13 tick*", "17 14 tick*", "18 15 tick*", "19 16 tick*", "20 16.5 node", "21 17 observer*", "22 17 tick*", "30 18 observer"}},
		"a node": {filler{nodes: []events.Recorded{node(9, 8)}, from: at(5)}, []events.Recorded{lease(2, 0), tick(5, 1), node(9, 8)},
			[]string{"1 0 node*", "2 0 lease", "5 1 tick", "6 3 tick*", "7 5 tick*", "8 7 tick*", "9 8 node"}},
		"a node and its lease": {filler{nodes: []events.Recorded{node(9, 8)}, from: at(5)}, []events.Recorded{lease(1, 0), tick(3, 1), tick(6, 3), node(9, 8)},
			[]string{"1 0 lease", "3 1 tick", "4 1 node*", "5 1 lease*", "6 3 tick", "7 5 tick*", "8 7 tick*", "9 8 node"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []events.Recorded
			c.fill.give = func(ev events.Recorded) error {
				got = append(got, ev)
				return nil
			}
			for _, ev := range c.log {
				if err := c.fill.event(ev); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(c.want, told(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestFillerKeepsTheOrder: whatever is kept, all that is kept is given, each place once, in order, and time never goes back.
func TestFillerKeepsTheOrder(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		var log []events.Recorded
		var judged []place
		now, kept := 0.0, r.Float64()/4
		for seq := uint64(1); seq < 2000; seq++ {
			now += r.ExpFloat64() / (1 + 20*r.Float64())
			switch {
			case r.Float64() < kept:
				log = append(log, []events.Recorded{seen(seq, at(now), events.TypeNode, events.Node{}), well(seq, at(now)), seen(seq, at(now), events.TypeTick, events.Tick{})}[r.IntN(3)])
			case r.Float64() < 0.02:
				judged = append(judged, place{seq: seq, at: at(now), opened: r.IntN(2) == 0})
			}
		}
		var got []events.Recorded
		f := filler{from: at(now * r.Float64()), late: time.Millisecond, marks: slices.Clone(judged), again: []events.Recorded{well(0, time.Time{}), seen(0, time.Time{}, events.TypeProbe, events.Probe{Up: true})},
			give: func(ev events.Recorded) error {
				got = append(got, ev)
				return nil
			}}
		for _, ev := range log {
			if err := f.event(ev); err != nil {
				t.Fatal(err)
			}
		}
		given := map[uint64]events.Recorded{}
		for i, ev := range got {
			if i > 0 && (ev.Seq <= got[i-1].Seq || ev.At.Before(got[i-1].At)) {
				t.Fatalf("seed %d: %v after %v", seed, told(got[i:i+1]), told(got[i-1:i]))
			}
			given[ev.Seq] = ev
		}
		for _, ev := range log {
			if given[ev.Seq].ID != ev.ID {
				t.Fatalf("seed %d: event %d is %v", seed, ev.Seq, given[ev.Seq])
			}
		}
		for _, m := range judged {
			if m.seq < log[len(log)-1].Seq && !given[m.seq].At.Equal(m.at) {
				t.Fatalf("seed %d: nothing at %d, where something was judged", seed, m.seq)
			}
		}
	}
}

func TestMarks(t *testing.T) {
	rec := func(kind incident.RecordKind, seq uint64, seconds float64) incident.Sequenced {
		return incident.Sequenced{Record: incident.Record{Kind: kind, ViewSeq: seq, At: at(seconds)}}
	}
	got := marks([]incident.Incident{
		{History: []incident.Sequenced{rec(incident.Opened, 7, 3), rec(incident.Decided, 7, 3), rec(incident.Noted, 9, 5), rec(incident.Closed, 90, 50)}},
		{History: []incident.Sequenced{rec(incident.Opened, 4, 1), rec(incident.Noted, 0, 1)}},
	}, at(10))
	want := []place{{4, at(1), true, 0}, {7, at(3), true, 0}, {9, at(5), false, 0}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(place{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestSenders: of whom all is kept nothing is made up, nor of whom nothing good is.
func TestSenders(t *testing.T) {
	s := senders{}
	say := func(n int, entity string, typ events.Type, payload any) {
		for range n {
			ev := seen(uint64(len(entity)+n), at(1), typ, payload)
			ev.Entity = entity
			s.hear(ev)
		}
	}
	say(8, "sees", events.TypeObserver, events.Observer{Seeing: true, Synced: true})
	say(8, "is blind", events.TypeObserver, events.Observer{Synced: true})
	say(7, "is new", events.TypeObserver, events.Observer{Seeing: true, Synced: true})
	say(4, "comes back", events.TypeProbe, events.Probe{})
	say(4, "comes back", events.TypeProbe, events.Probe{Up: true})
	say(8, "beats", events.TypeHeartbeat, events.Heartbeat{Name: "Watchdog"})
	say(8, "a node", events.TypeNode, events.Node{})
	var got []string
	for _, ev := range s.lost() {
		got = append(got, ev.Entity)
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"beats", "comes back", "sees"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	say(7, "a new node", events.TypeNode, events.Node{Name: "new"})
	say(8, "an old node", events.TypeNode, events.Node{Name: "old", UID: "u", Zone: "z", ResourceVersion: "9", Gone: true, Unschedulable: true, Ready: events.Condition{Status: "Unknown"}})
	var nodes []events.Node
	for _, ev := range s.nodes() {
		var n events.Node
		if err := ev.Decode(&n); err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, n)
	}
	if diff := cmp.Diff([]events.Node{{Ready: events.Condition{Status: "True"}}, {Name: "old", UID: "u", Zone: "z", Ready: events.Condition{Status: "True"}}}, nodes); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestWhatIsRepeatedForLongIsRepeatedBefore: of who said nothing new for longer than events are kept, the repeats say what it was.
func TestWhatIsRepeatedForLongIsRepeatedBefore(t *testing.T) {
	for repeats, want := range map[int]int{keptOfEach: 1, keptOfEach - 1: 0} {
		s := senders{}
		for n := range repeats {
			ev := seen(uint64(100+n), at(100+10*float64(n)), events.TypeObserver, events.Observer{Watch: "nodes", Reason: "cut off"})
			ev.Entity = events.Again(ev.Entity)
			s.hear(ev)
		}
		lost := s.lost()
		if len(lost) != want || want > 0 && (lost[0].Seq != 100 || !lost[0].At.IsZero() || len(s.gaps()) != 1) {
			t.Errorf("of %d repeats: %+v, want %d", repeats, lost, want)
		}
	}
}

// TestWhatWasSaidIsRepeated: repeats that are not kept are made up of what was last said, up to the first that is kept.
func TestWhatWasSaidIsRepeated(t *testing.T) {
	blind := seen(1, at(0.5), events.TypeObserver, events.Observer{Watch: "nodes"})
	again := well(60, at(45))
	again.Entity = events.Again(again.Entity)
	log := []events.Recorded{blind, well(30, at(25)), again, seen(150, at(100.5), events.TypeNode, events.Node{Name: "a"})}
	for _, c := range []struct {
		gaps map[sender]bool
		want []string
	}{
		{map[sender]bool{senderOf(blind.Event): true}, []string{"0.5 false ", "16 false /salvor/export", "25 true ", "40 true /salvor/export", "45 true "}},
		{nil, []string{"0.5 false ", "25 true ", "45 true "}},
	} {
		var got []string
		f := filler{gaps: c.gaps, give: func(ev events.Recorded) error {
			var o events.Observer
			if ev.Type == events.TypeObserver && ev.Decode(&o) == nil {
				got = append(got, fmt.Sprintf("%v %v %s", ev.At.Sub(dawn).Seconds(), o.Seeing, ev.Source))
			}
			return nil
		}}
		for _, ev := range log {
			if err := f.event(ev); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
