package classifiers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/events"
)

// fleet tells of as many nodes in each zone, all well.
func (s *story) fleet(perZone int, zones ...string) {
	s.t.Helper()
	for _, zone := range zones {
		for n := range perZone {
			s.place(fmt.Sprintf("%s%d", zone, n), zone, "1", "True")
			s.lease(fmt.Sprintf("%s%d", zone, n), "1", events.LeaseFresh)
		}
	}
}

func (s *story) place(name, zone, rv, ready string) {
	s.tell(events.TypeNode, "node/"+name, events.Node{Name: name, UID: "u-" + name, ResourceVersion: rv, Zone: zone, Region: "eu", Ready: events.Condition{Status: ready}})
}

// lose has the first nodes of a zone fall silent, one a second.
func (s *story) lose(zone string, nodes int) {
	s.t.Helper()
	for n := range nodes {
		s.at = s.at.Add(time.Second)
		s.lease(fmt.Sprintf("%s%d", zone, n), "2", events.LeaseStale)
	}
}

func (s *story) nodeDown(node string) {
	s.tell(events.TypeAlert, "alert/"+node, events.Alert{Fingerprint: "down-" + node, Status: "firing", Name: "NodeDown",
		Labels: events.NewLabelSet(map[string]string{"instance": node + ":9100"}), StartsAt: s.at})
}

var wide = []Classifier{Node{Window: 15 * time.Second}, Zone{Window: 15 * time.Second, Within: 2 * time.Minute},
	Storm{Window: 15 * time.Second, Within: 2 * time.Minute, Nodes: 3, Share: 0.2, Zone: Zone{Within: 2 * time.Minute}}}

// TestHowFarItReaches: which faults stand for themselves, and of how many narrower ones each is the explanation.
func TestHowFarItReaches(t *testing.T) {
	cases := []struct {
		name string
		tell func(*story)
		want []string // kind anchor (how many lie under it)
	}{
		{"well", func(s *story) {}, nil},
		{"one node", func(s *story) { s.lose("b", 1) }, []string{"node node/b0 (0)"}},
		{"half of a zone is not most of it", func(s *story) { s.lose("b", 5) }, []string{"node node/b0 (0)", "node node/b1 (0)", "node node/b2 (0)", "node node/b3 (0)", "node node/b4 (0)"}},
		{"most of a zone", func(s *story) { s.lose("b", 6) }, []string{"zone zone/b (6)"}},
		{"a whole zone", func(s *story) { s.lose("b", 10) }, []string{"zone zone/b (10)"}},
		{"a whole zone, and one node elsewhere", func(s *story) { s.lose("b", 10); s.lose("c", 1) }, []string{"node node/c0 (0)", "zone zone/b (10)"}},
		{"nodes all over", func(s *story) { s.lose("a", 3); s.lose("b", 3); s.lose("c", 3) }, []string{"node cluster/prod-eu (9)"}},
		{"everything", func(s *story) { s.lose("a", 10); s.lose("b", 10); s.lose("c", 10) }, []string{"node cluster/prod-eu (30)"}},
		{"two zones of three", func(s *story) { s.lose("a", 10); s.lose("b", 10) }, []string{"node cluster/prod-eu (20)"}},
		{"one zone long after another", func(s *story) { s.lose("a", 10); s.pass(time.Hour); s.lose("b", 10) }, []string{"zone zone/a (10)", "zone zone/b (10)"}},
		{"a few nodes long after a zone", func(s *story) { s.lose("b", 10); s.pass(time.Hour); s.lose("a", 3); s.lose("c", 3) }, []string{"zone zone/b (10)", "node cluster/prod-eu (6)"}},
		{"a zone that comes back", func(s *story) {
			s.lose("b", 10)
			for n := range 9 {
				s.lease(fmt.Sprintf("b%d", n), "3", events.LeaseFresh)
			}
		}, []string{"node node/b9 (0)"}},
		{"nodes that fall over hours are no zone", func(s *story) {
			for n := range 10 {
				s.pass(10 * time.Minute)
				s.lease(fmt.Sprintf("b%d", n), "2", events.LeaseStale)
			}
		}, []string{"node node/b0 (0)", "node node/b1 (0)", "node node/b2 (0)", "node node/b3 (0)", "node node/b4 (0)",
			"node node/b5 (0)", "node node/b6 (0)", "node node/b7 (0)", "node node/b8 (0)", "node node/b9 (0)"}},
		{"nobody sees", func(s *story) { s.lose("b", 10); s.sight("nodes", false); s.sight("leases", false) }, nil},
		{"nobody sees the leases, the conditions have not turned", func(s *story) { s.lose("b", 10); s.sight("leases", false) }, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			s.fleet(10, "a", "b", "c")
			c.tell(s)
			if diff := cmp.Diff(c.want, standing(Classify(s.view, wide))); diff != "" {
				t.Errorf("what stands for itself (-want +got):\n%s", diff)
			}
		})
	}
}

// standing are the findings that no other explains.
func standing(all []Finding) []string {
	under := map[Anchor]int{}
	for _, f := range all {
		if f.Under != nil {
			under[f.Under.Anchor]++
		}
	}
	var out []string
	for _, f := range all {
		if f.Under == nil {
			out = append(out, fmt.Sprintf("%s %s (%d)", f.Kind, f.Anchor, under[f.Anchor]))
		}
	}
	return out
}

func TestAZoneOfASingleZoneClusterIsAStorm(t *testing.T) {
	s := newStory(t)
	s.fleet(10, "a")
	s.lose("a", 9)
	if diff := cmp.Diff([]string{"node cluster/prod-eu (9)"}, standing(Classify(s.view, wide))); diff != "" {
		t.Errorf("what stands for itself (-want +got):\n%s", diff)
	}
}

func TestSmallZones(t *testing.T) {
	s := newStory(t)
	s.fleet(2, "a", "b", "c")
	s.lose("b", 1)
	if got := standing(Classify(s.view, wide)); len(got) != 1 || got[0] != "node node/b0 (0)" {
		t.Errorf("one of two nodes: %v", got)
	}
	s.lose("b", 2)
	if got := standing(Classify(s.view, wide)); len(got) != 1 || got[0] != "zone zone/b (2)" {
		t.Errorf("both nodes: %v", got)
	}
}

// TestWhoSaysThatAZoneIsLost: the API server alone is one source, alerts that have their facts elsewhere are a second.
func TestWhoSaysThatAZoneIsLost(t *testing.T) {
	s := newStory(t)
	s.fleet(10, "a", "b", "c")
	s.lose("b", 10)
	zone := func() Finding { return (Zone{Within: time.Minute}).Classify(s.view)[0] }
	if f := zone(); !f.SingleSourced() || !strings.Contains(f.Sentence, "only the API server says so") {
		t.Errorf("without alerts: %q", f.Sentence)
	}
	for n := range 4 {
		s.nodeDown(fmt.Sprintf("b%d", n))
		s.nodeDown(fmt.Sprintf("a%d", n))
	}
	s.alert("KubeNodeNotReady", "b5", nil) // the API server's own word
	if f := zone(); !f.SingleSourced() {
		t.Errorf("with alerts about 4 of 10 nodes: %q", f.Sentence)
	}
	s.nodeDown("b4")
	f := zone()
	if f.SingleSourced() || strings.Contains(f.Sentence, "only") || f.Signals[1].Detail != "they speak of 5 of the 10 lost nodes" {
		t.Errorf("with alerts about half of the nodes: %q %+v", f.Sentence, f.Signals)
	}
	agree, asked := f.Agreement()
	if agree != 2 || asked != 2 || len(f.Evidence) != 15 {
		t.Errorf("%d of %d agree, evidence %v", agree, asked, f.Evidence)
	}
}

// TestAlertsThatWereNotToldInFullAreNoWitness: what a webhook left out is not known, so that nothing wider than a node leans on it.
func TestAlertsThatWereNotToldInFullAreNoWitness(t *testing.T) {
	for _, truncated := range []bool{false, true} {
		s := newStory(t)
		s.fleet(4, "a", "b", "c")
		s.polls("++++")
		s.lose("b", 4)
		s.polls("--- ")
		for name, labels := range map[string]map[string]string{"NodeDown": {"zone": "b"}, "KubeAPIDown": nil} {
			s.tell(events.TypeAlert, "alert/"+name, events.Alert{Fingerprint: name, Status: "firing", Name: name, Labels: events.NewLabelSet(labels), StartsAt: s.at, Truncated: truncated})
		}
		if f := (Zone{Within: time.Minute}).Classify(s.view)[0]; f.SingleSourced() != truncated {
			t.Errorf("truncated %v: the zone is single-sourced: %v, %+v", truncated, f.SingleSourced(), f.Signals)
		}
		if got := len(seconds(s.cluster(), poll{})); (got == 1) == truncated {
			t.Errorf("truncated %v: %d second signals of the region", truncated, got)
		}
	}
}

// TestANodeWaitsForItsNeighbours: its window begins anew with each other node that is lost while it runs, but not for ever.
func TestANodeWaitsForItsNeighbours(t *testing.T) {
	s := newStory(t)
	s.fleet(100, "a")
	began := s.at.Add(time.Second)
	s.lose("a", 40)
	for _, f := range (Node{Window: 15 * time.Second}).Classify(s.view) {
		want := 15 * time.Second
		if f.Since.Equal(began) {
			want *= 2
		}
		if late := f.Since.Add(f.Window); f.Window < 15*time.Second || f.Window > 30*time.Second || f.Since.Equal(began) && f.Window != want {
			t.Errorf("%s waits %s, until %s", f.Anchor, f.Window, late)
		}
	}
}
