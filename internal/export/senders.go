package export

import (
	"cmp"
	"slices"
	"time"

	"github.com/salvor-io/salvor/events"
)

// keptOfEach is how many events of one object the log keeps.
const keptOfEach = 8

// senders are those who say again and again how things are, and nodes, whose state is lost where they changed often.
type senders map[sender]*saying

type sender struct{ cluster, typ, entity string }

// saying is what is kept of what a sender says.
type saying struct {
	kept    int              // events that said something new, or of which it is not known
	repeats int              // events that said once more what was said before
	again   *events.Recorded // the first of those
	well    *events.Recorded // the first of the others that says that all is well, nil when none does; of a node the first
}

func senderOf(ev events.Event) sender {
	entity, _ := events.SaidOf(ev.Entity)
	return sender{ev.Cluster, string(ev.Type), entity}
}

// hear takes in an event, if it is one of those, or of a node.
func (s senders) hear(ev events.Recorded) {
	well, repeats := wellAgain(ev.Event)
	if !repeats && ev.Type != events.TypeNode {
		return
	}
	well = well || !repeats
	by := senderOf(ev.Event)
	if s[by] == nil {
		s[by] = &saying{}
	}
	if _, once := events.SaidOf(ev.Entity); once {
		if s[by].repeats++; s[by].repeats == 1 {
			s[by].again = &ev
		}
		return // what is new may all be kept, however often it was repeated
	}
	if s[by].kept++; well && s[by].well == nil {
		s[by].well = &ev
	}
}

// wellAgain says whether an event is of the kind that comes again and again, and says that all is well.
func wellAgain(ev events.Event) (well, repeats bool) {
	switch ev.Type {
	case events.TypeObserver:
		var o events.Observer
		return ev.Decode(&o) == nil && o.Seeing && o.Synced, true
	case events.TypeProbe:
		var p events.Probe
		return ev.Decode(&p) == nil && p.Up, true
	case events.TypeHeartbeat:
		return true, true
	}
	return false, false
}

// lost are what the senders said of whom not all that was new is kept, each once, in an order that is always the same: what they repeat,
// where nothing new was said for so long that it is not kept, and else that all was well, and nothing of those of whom nothing of the kind
// is kept. None of them was given yet.
func (s senders) lost() []events.Recorded {
	var out []events.Recorded
	for _, said := range s {
		var first events.Recorded
		switch {
		case said.kept == 0 && said.repeats >= keptOfEach:
			first = *said.again
		case said.kept >= keptOfEach && said.well != nil && said.well.Type != events.TypeNode:
			first = *said.well
		default:
			continue
		}
		first.At = time.Time{}
		out = append(out, first)
	}
	slices.SortFunc(out, func(a, b events.Recorded) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}

// gaps are the senders of whom not all repeats are kept.
func (s senders) gaps() map[sender]bool {
	out := map[sender]bool{}
	for by, said := range s {
		if said.repeats >= keptOfEach {
			out[by] = true
		}
	}
	return out
}

// nodes are those of whom not all is kept, each as it is taken to have been before: well.
func (s senders) nodes() []events.Recorded {
	var out []events.Recorded
	for _, said := range s {
		if said.kept < keptOfEach || said.well == nil || said.well.Type != events.TypeNode {
			continue
		}
		var n events.Node
		if said.well.Decode(&n) != nil {
			continue
		}
		n.Ready = events.Condition{Status: "True"}
		n.ResourceVersion, n.Gone, n.Deleting, n.Unschedulable, n.Taints, n.Annotations = "", false, false, false, nil, nil
		ev, err := events.New(said.well.ID+"/before", events.TypeNode, "", said.well.Cluster, said.well.Entity, said.well.Time, n)
		if err == nil {
			out = append(out, events.Recorded{Event: ev, Seq: said.well.Seq})
		}
	}
	slices.SortFunc(out, func(a, b events.Recorded) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}
