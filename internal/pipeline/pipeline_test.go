package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
)

const keep = 7 * 24 * time.Hour

var began = time.Date(2026, 11, 22, 3, 11, 0, 0, time.UTC)

// desk is a pipeline with a ledger that notes what is opened.
type desk struct {
	*Pipeline
	t      *testing.T
	opened []incident.Record
	kicked []incident.ID
	after  []uint64 // of each that was to be opened
	seq    uint64
	at     time.Time
}

// newDesk has no confirmation window.
func newDesk(t *testing.T) *desk { return newDeskOf(t, classifiers.Node{}) }

func newDeskOf(t *testing.T, all ...classifiers.Classifier) *desk {
	d := &desk{t: t, at: began}
	d.Pipeline = New(Options{Classifiers: all, Ledger: d, Keep: keep,
		Kick: func(id incident.ID) { d.kicked = append(d.kicked, id) }, Opened: func(inc *incident.Incident) { d.kicked = append(d.kicked, inc.ID) }, Log: slog.New(slog.DiscardHandler)})
	return d
}

// OpenIncident implements Ledger: it opens each key once.
func (d *desk) OpenIncident(_ context.Context, first incident.Record, after uint64) (*incident.Incident, error) {
	d.after = append(d.after, after)
	for _, was := range d.opened {
		if *was.Key == *first.Key {
			return nil, errors.New("already open")
		}
	}
	first.Schema, first.Incident = incident.Schema, incident.IDOf(*first.Key, uint64(len(d.opened)+1))
	d.opened = append(d.opened, first)
	return incident.Fold([]incident.Sequenced{{Record: first, Seq: uint64(len(d.opened))}})
}

func (d *desk) tell(typ events.Type, entity string, payload any) {
	d.t.Helper()
	d.seq++
	ev, err := events.New(fmt.Sprint("e", d.seq), typ, "/test", "prod-eu", entity, d.at, payload)
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.Fold(d.t.Context(), events.Recorded{Event: ev, Seq: d.seq, At: d.at}); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) see(watch string, seeing bool) {
	d.tell(events.TypeObserver, "observer/a/"+watch, events.Observer{Replica: "a", Watch: watch, Seeing: seeing, Synced: true})
}

func (d *desk) lease(version string, state events.LeaseState) {
	d.tell(events.TypeLease, "node/w1", events.Lease{Node: "w1", UID: "l1", ResourceVersion: version, State: state})
}

// silence tells of a node that was well and fell silent.
func (d *desk) silence() {
	d.see("nodes", true)
	d.see("leases", true)
	d.tell(events.TypeNode, "node/w1", events.Node{Name: "w1", UID: "u1", ResourceVersion: "1", Zone: "a", Ready: events.Condition{Status: "True"}})
	d.lease("1", events.LeaseFresh)
	d.lease("1", events.LeaseStale)
}

// record folds what was opened, as the ledger would tell of it.
func (d *desk) record() *incident.Incident {
	d.t.Helper()
	rec := incident.Sequenced{Record: d.opened[len(d.opened)-1], Seq: 1}
	if err := d.Record(rec); err != nil {
		d.t.Fatal(err)
	}
	inc, err := incident.Fold([]incident.Sequenced{rec})
	if err != nil {
		d.t.Fatal(err)
	}
	return inc
}

// ends folds the end of an incident, which the ledger takes in now.
func (d *desk) ends(id incident.ID) []incident.Sequenced {
	d.t.Helper()
	var recs []incident.Sequenced
	for n, kind := range []incident.RecordKind{incident.Cleared, incident.Closed} {
		rec := incident.Record{Schema: incident.Schema, Incident: id, Kind: kind}
		recs = append(recs, incident.Sequenced{Record: rec, Seq: uint64(2 + n), StoredAt: d.at})
		if err := d.Record(recs[n]); err != nil {
			d.t.Fatal(err)
		}
	}
	return recs
}

func TestHistoryIsNotJudged(t *testing.T) {
	d := newDesk(t)
	d.silence()
	if len(d.opened) != 0 {
		t.Fatal("an incident was opened from history")
	}
	d.Start(t.Context())
	if len(d.opened) != 1 || d.opened[0].ViewSeq != d.seq {
		t.Fatalf("opened %+v, want one at event %d", d.opened, d.seq)
	}
}

// TestNothingIsGoneBeforeTheFirstJudgement: a replica that has just started must not take its empty findings for a world
// without faults.
func TestNothingIsGoneBeforeTheFirstJudgement(t *testing.T) {
	live := newDesk(t)
	live.Start(t.Context())
	live.silence()
	inc := live.record()

	restarted := newDesk(t)
	restarted.opened = live.opened
	restarted.silence()
	restarted.record()
	if look := restarted.Look(inc); !look.Sight.Blind || look.Sight.Finding != nil {
		t.Errorf("before the first judgement the fault looks %+v, want blind", look.Sight)
	}
	restarted.Start(t.Context())
	if look := restarted.Look(inc); look.Sight.Blind || look.Sight.Finding == nil {
		t.Errorf("after the first judgement the fault looks %+v, want seen", look.Sight)
	}
	if len(restarted.kicked) != 1 {
		t.Errorf("kicked %v, want the live incident once", restarted.kicked)
	}
}

func TestKicksWhenWhatIsSeenChanges(t *testing.T) {
	d := newDesk(t)
	d.Start(t.Context())
	d.silence()
	inc := d.record()
	step := func(name string, tell func(), kicks int) {
		t.Helper()
		d.kicked = nil
		tell()
		d.tell(events.TypeTick, "tick/clock", events.Tick{})
		d.tell(events.TypeTick, "tick/clock", events.Tick{})
		if len(d.kicked) != kicks {
			t.Errorf("%s: %d kicks, want %d", name, len(d.kicked), kicks)
		}
	}
	step("first look", func() {}, 1)
	step("nothing new", func() {}, 0)
	step("blind", func() { d.see("leases", false); d.see("nodes", false) }, 1)
	if !d.Look(inc).Sight.Blind {
		t.Error("not blind without observers")
	}
	d.see("leases", true)
	d.see("nodes", true)
	if d.Look(inc).Sight.Gone() {
		t.Error("gone, and it was not looked for since the observers see again")
	}
	step("sees again", func() {}, 1)
	step("gone", func() { d.lease("2", events.LeaseFresh) }, 1)
	if s := d.Look(inc).Sight; s.Blind || s.Finding != nil {
		t.Errorf("sight %+v, want gone", s)
	}
}

func TestClosedIncidentsAreLetGo(t *testing.T) {
	d := newDesk(t)
	d.Start(t.Context())
	d.silence()
	inc := d.record()
	d.lease("2", events.LeaseFresh)
	d.ends(inc.ID)
	if len(d.Live()) != 0 || len(d.Incidents()) != 1 {
		t.Errorf("live %v of %d", d.Live(), len(d.Incidents()))
	}
	d.kicked = nil
	d.tell(events.TypeTick, "tick/clock", events.Tick{})
	if len(d.kicked) != 0 {
		t.Error("a closed incident was kicked")
	}
}

const window = 15 * time.Second

// pass lets time pass, a second at a time, while both watches see.
func (d *desk) pass(span time.Duration) {
	d.t.Helper()
	for range int(span / time.Second) {
		d.at = d.at.Add(time.Second)
		d.see("nodes", true)
		d.see("leases", true)
		d.tell(events.TypeTick, "tick/clock", events.Tick{Second: d.at.Unix()})
	}
}

// TestOpensWhatLasts: a finding becomes an incident once it has persisted through its window, by the time of the view.
func TestOpensWhatLasts(t *testing.T) {
	d := newDeskOf(t, classifiers.Node{Window: window})
	d.Start(t.Context())
	d.silence()
	d.pass(window - time.Second)
	d.lease("2", events.LeaseFresh)
	d.lease("2", events.LeaseStale)
	d.pass(window - time.Second)
	if len(d.opened) != 0 {
		t.Fatalf("opened %+v before the window of the second silence had passed", d.opened)
	}
	d.pass(time.Second)
	if len(d.opened) != 1 || !d.opened[0].At.Equal(d.at) {
		t.Fatalf("opened %+v, want one at %s", d.opened, d.at)
	}
}

// TestAZoneIsOneIncident: nodes that fall one after the other are not told of one by one when that turns out to be their zone.
func TestAZoneIsOneIncident(t *testing.T) {
	const perZone = 20
	d := newDeskOf(t, classifiers.Node{Window: window, Within: 2 * time.Minute}, classifiers.Zone{Window: window, Within: 2 * time.Minute},
		classifiers.Storm{Window: window, Within: 2 * time.Minute, Nodes: 3, Share: 0.2, Zone: classifiers.Zone{Within: 2 * time.Minute}})
	d.Start(t.Context())
	d.fleet(perZone, "a", "b", "c")
	for n := range perZone {
		d.pass(time.Second)
		d.fails("b", n)
	}
	d.pass(2 * window)
	if len(d.opened) != 1 || d.opened[0].Key.Kind != "zone" || len(d.opened[0].Fault.Scope.Nodes) != perZone {
		for _, rec := range d.opened {
			t.Errorf("opened %+v: %s", *rec.Key, rec.Text)
		}
		t.Fatal("want one incident of the zone with all its nodes")
	}
}

// TestAStormThatEndsIsNoneOfNodes: the nodes come back one by one, and those that are still away when it is no storm any more are not
// faults of their own before their window has begun anew.
func TestAStormThatEndsIsNoneOfNodes(t *testing.T) {
	const perZone = 10
	d := newDeskOf(t, classifiers.Node{Window: window, Within: 2 * time.Minute},
		classifiers.Storm{Window: window, Within: 2 * time.Minute, Nodes: 3, Share: 0.2, Zone: classifiers.Zone{Within: 2 * time.Minute}})
	d.Start(t.Context())
	d.fleet(perZone, "a", "b", "c")
	for n := range 5 {
		d.fails("a", n)
		d.fails("b", n)
		d.fails("c", n)
	}
	d.pass(2 * window)
	for n := range 5 {
		d.comesBack("a", n)
		d.comesBack("b", n)
		d.pass(3 * time.Second)
		d.comesBack("c", n)
	}
	d.pass(time.Hour)
	if len(d.opened) != 1 || d.opened[0].Fault.Anchor.Kind != classifiers.AnchorCluster {
		for _, rec := range d.opened {
			t.Errorf("opened %+v: %s", *rec.Key, rec.Text)
		}
		t.Fatal("want one incident, of the storm")
	}
}

// TestAZoneHoldsItsNodesUntilItIsClosed: what is seen of a zone may fade because its nodes are deleted. Those that are left are no
// faults of their own while its incident lives.
func TestAZoneHoldsItsNodesUntilItIsClosed(t *testing.T) {
	d := newDeskOf(t, classifiers.Node{Window: window, Within: 2 * time.Minute}, classifiers.Zone{Window: window, Within: 2 * time.Minute})
	d.Start(t.Context())
	d.fleet(10, "a", "b", "c")
	for n := range 10 {
		d.fails("b", n)
	}
	d.pass(2 * window)
	inc := d.record()
	for n := range 8 {
		name := fmt.Sprintf("b%d", n)
		d.tell(events.TypeNode, "node/"+name, events.Node{Name: name, UID: "u-" + name, ResourceVersion: "9", Gone: true})
	}
	for n := range 8 {
		name := fmt.Sprintf("b%d", n+10)
		d.tell(events.TypeNode, "node/"+name, events.Node{Name: name, UID: "u-" + name, ResourceVersion: "9", Zone: "b", Ready: events.Condition{Status: "True"}})
	}
	d.pass(time.Minute)
	if len(d.opened) != 1 {
		t.Fatalf("%d incidents, want that of the zone alone", len(d.opened))
	}
	d.ends(inc.ID)
	d.pass(time.Second)
	if len(d.opened) != 3 {
		t.Fatalf("%d incidents after the zone's was closed, want two of nodes more", len(d.opened))
	}
}

// fleet tells of zones of as many nodes each, all well.
func (d *desk) fleet(perZone int, zones ...string) {
	d.t.Helper()
	d.pass(time.Second)
	for _, zone := range zones {
		for n := range perZone {
			name := fmt.Sprintf("%s%d", zone, n)
			d.tell(events.TypeNode, "node/"+name, events.Node{Name: name, UID: "u-" + name, ResourceVersion: "1", Zone: zone, Ready: events.Condition{Status: "True"}})
			d.tell(events.TypeLease, "node/"+name, events.Lease{Node: name, UID: "l-" + name, ResourceVersion: "1", State: events.LeaseFresh})
		}
	}
}

func (d *desk) comesBack(zone string, n int) {
	d.t.Helper()
	name := fmt.Sprintf("%s%d", zone, n)
	d.tell(events.TypeLease, "node/"+name, events.Lease{Node: name, UID: "l-" + name, ResourceVersion: "2", State: events.LeaseFresh})
}

// fails has the nth node of a zone fall silent.
func (d *desk) fails(zone string, n int) {
	d.t.Helper()
	name := fmt.Sprintf("%s%d", zone, n)
	d.tell(events.TypeLease, "node/"+name, events.Lease{Node: name, UID: "l-" + name, ResourceVersion: "1", State: events.LeaseStale, Age: 25})
}

// crowd finds as many faults as it is.
type crowd int

func (c crowd) Classify(v *classifiers.View) []classifiers.Finding {
	var out []classifiers.Finding
	for n := range c {
		out = append(out, classifiers.Finding{Fault: classifiers.Fault{Kind: classifiers.KindSecurity, Cluster: "prod-eu",
			Anchor: classifiers.Anchor{Kind: "pod", Name: fmt.Sprint(n)}, Since: v.Now}})
	}
	return out
}

// TestACrowdOfFaultsIsBounded: whoever can raise alerts cannot raise incidents without end.
func TestACrowdOfFaultsIsBounded(t *testing.T) {
	d := newDeskOf(t, crowd(maxLive+50))
	d.Start(t.Context())
	if len(d.opened) != maxLive {
		t.Errorf("%d incidents, want %d", len(d.opened), maxLive)
	}
}
