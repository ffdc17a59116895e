package pipeline

import (
	"testing"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
)

// everybody are the classifiers of nodes and zones, and people.
func everybody() []classifiers.Classifier {
	within := 2 * time.Minute
	return []classifiers.Classifier{classifiers.Declared{}, classifiers.Node{Window: window, Within: within}, classifiers.Zone{Window: window, Within: within},
		classifiers.Storm{Window: window, Within: within, Nodes: 3, Share: 0.2, Zone: classifiers.Zone{Within: within}}}
}

func (d *desk) declare(zone string, ended bool) {
	d.t.Helper()
	d.tell(events.TypeDeclared, "declared/zone/zone/"+zone, events.Declared{Kind: "zone", Anchor: "zone", Name: zone, By: "alice", Reason: "power loss",
		Until: d.at.Add(time.Hour), Ended: ended})
}

// TestADeclaredZoneIsOneIncident: it is opened at once, holds the nodes that are lost in it, also those that detection would not call a
// zone, and is gone when it is taken back and they are back; that nobody sees does not end it.
func TestADeclaredZoneIsOneIncident(t *testing.T) {
	d := newDeskOf(t, everybody()...)
	d.Start(t.Context())
	d.fleet(10, "a", "b", "c")
	d.fails("b", 0)
	d.pass(2 * time.Second)
	d.declare("b", false)
	d.pass(time.Second)
	if len(d.opened) != 1 || d.opened[0].Key.Kind != "zone" || d.opened[0].Fault.Anchor.Name != "b" || d.opened[0].Standing {
		t.Fatalf("opened %+v, want the zone, at once", d.opened)
	}
	if text := d.opened[0].Text; text != "alice declared zone b lost: power loss" || !d.opened[0].Fault.SingleSourced() {
		t.Errorf("opened with %q, single-sourced %v", text, d.opened[0].Fault.SingleSourced())
	}
	inc := d.record()
	d.fails("b", 1)
	d.pass(4 * window)
	for _, name := range []string{"b0", "b1"} {
		under := 0
		for key, f := range d.findings {
			if key.Kind == "node" && f.Anchor.Name == name && f.Under != nil && f.Under.Anchor.String() == "zone/b" {
				under++
			}
		}
		if under != 1 {
			t.Errorf("%s is not under its zone", name)
		}
	}
	d.see("nodes", false)
	d.see("leases", false)
	d.tell(events.TypeTick, "tick/clock", events.Tick{})
	if s := d.Look(inc).Sight; s.Gone() || s.Finding == nil {
		t.Errorf("nobody sees, and it looks %+v", s)
	}
	d.declare("b", true)
	d.tell(events.TypeTick, "tick/clock", events.Tick{})
	if s := d.Look(inc).Sight; s.Gone() || !s.Blind {
		t.Errorf("taken back while nobody sees, it looks %+v", s)
	}
	d.comesBack("b", 0)
	d.comesBack("b", 1)
	d.pass(time.Second)
	if s := d.Look(inc).Sight; !s.Gone() {
		t.Errorf("taken back, it looks %+v", s)
	}
	if len(d.opened) != 1 {
		t.Errorf("%d incidents, want one", len(d.opened))
	}
}

// TestADeclaredZoneThatIsDetectedToo stays the one incident, and goes on when it is taken back.
func TestADeclaredZoneThatIsDetectedToo(t *testing.T) {
	d := newDeskOf(t, everybody()...)
	d.Start(t.Context())
	d.fleet(10, "a", "b", "c")
	d.declare("b", false)
	d.pass(time.Second)
	inc := d.record()
	for n := range 10 {
		d.fails("b", n)
	}
	d.pass(4 * window)
	if s := d.Look(inc).Sight; s.Finding == nil || s.Finding.SingleSourced() || len(s.Finding.Scope.Nodes) != 10 {
		t.Fatalf("detected too, it looks %+v", s.Finding)
	}
	d.declare("b", true)
	d.pass(time.Second)
	if s := d.Look(inc).Sight; s.Finding == nil || s.Finding.Declared() {
		t.Errorf("taken back while it is detected, it looks %+v", s)
	}
	if len(d.opened) != 1 {
		t.Errorf("%d incidents, want one", len(d.opened))
	}
}

// TestADeclarationSurvivesARestart: the view of a replica that starts equals that of one that lived.
func TestADeclarationSurvivesARestart(t *testing.T) {
	d := newDeskOf(t, everybody()...)
	d.fleet(10, "a", "b", "c")
	d.declare("b", false)
	d.pass(time.Second)
	d.Start(t.Context())
	if len(d.opened) != 1 || d.opened[0].Key.Kind != "zone" {
		t.Errorf("opened %+v, want the zone", d.opened)
	}
	d.record()
	d.pass(time.Hour)
	if len(d.findings) != 0 {
		t.Errorf("after its end %d are found", len(d.findings))
	}
}
