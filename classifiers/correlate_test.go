package classifiers

import (
	"testing"
	"time"

	"github.com/salvor-io/salvor/events"
)

func TestWhatExplainsWhat(t *testing.T) {
	fault := func(kind Kind, anchor, name string, nodes ...string) Fault {
		return Fault{Kind: kind, Cluster: "prod", Anchor: Anchor{Kind: anchor, Name: name}, Scope: Scope{Nodes: nodes, Zones: []string{"b"}}}
	}
	region, zone, storm := fault(KindRegion, "region", "eu"), fault(KindZone, "zone", "b", "b0", "b1"), fault(KindNode, AnchorCluster, "prod", "a0", "b0", "b1")
	small := fault(KindNode, AnchorCluster, "prod", "a0", "b0", "c0")
	node, later := fault(KindNode, "node", "b0", "b0"), fault(KindNode, "node", "c7", "c7")
	later.Scope.Zones = []string{"c"}
	elsewhere := node
	elsewhere.Cluster = "test"
	for _, c := range []struct {
		name       string
		wide, fine Fault
		want       bool
	}{
		{"a region its zones", region, zone, true},
		{"a region a storm", region, storm, true},
		{"a zone its nodes", zone, node, true},
		{"a zone no node of another", zone, later, false},
		{"a zone no storm", zone, storm, false},
		{"a storm its nodes", storm, node, true},
		{"a storm each node that is lost after it", storm, later, true},
		{"a storm no other storm", storm, storm, false},
		{"a storm what is left of it in one zone", storm, zone, true},
		{"a storm no zone of which it knew little", small, zone, false},
		{"nothing what is of another cluster", storm, elsewhere, false},
		{"a node nothing", node, later, false},
	} {
		if got := Explains(c.wide, c.fine); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// TestAZoneIsWaitedForWhileOthersComeBack: what is left of everything that was dark is not at once a zone.
func TestAZoneIsWaitedForWhileOthersComeBack(t *testing.T) {
	s := newStory(t)
	s.fleet(4, "a", "b", "c")
	for _, zone := range []string{"a", "b", "c"} {
		s.lose(zone, 4)
	}
	s.pass(time.Minute)
	for _, zone := range []string{"a", "c"} {
		for n := range 4 {
			s.lease(zone+string(rune('0'+n)), "9", events.LeaseFresh)
		}
	}
	var zone *Finding
	for _, f := range Classify(s.view, wide) {
		if f.Kind == KindZone {
			zone = &f
		}
	}
	if zone == nil || zone.Lasted(s.view.Now) || !zone.Lasted(s.view.Now.Add(15*time.Second)) {
		t.Fatalf("the zone is %+v: it is to have lasted a window from now", zone)
	}
}
