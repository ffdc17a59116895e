package pipeline

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
)

// reach are classifiers that tell a node from its zone and from a storm.
var reach = []classifiers.Classifier{classifiers.Zone{Window: window, Within: 2 * time.Minute},
	classifiers.Storm{Window: window, Within: 2 * time.Minute, Nodes: 3, Share: 0.2, Zone: classifiers.Zone{Within: 2 * time.Minute}},
	classifiers.Node{Window: window, Within: 2 * time.Minute}}

func missTexts(f *classifiers.Fault) (out []string) {
	for _, m := range f.Misses {
		out = append(out, m.Rule+": "+m.Text)
	}
	return out
}

// TestOpenedSaysWhatDidNotMatch: the first record of an incident has the rules that did not match when it was opened and what its
// evidence said, whatever happens later.
func TestOpenedSaysWhatDidNotMatch(t *testing.T) {
	d := newDeskOf(t, reach...)
	d.Start(t.Context())
	d.fleet(10, "a", "b", "c")
	d.fails("b", 0)
	silent := d.at
	d.pass(window)
	if len(d.opened) != 1 {
		t.Fatalf("%d incidents, want one", len(d.opened))
	}
	inc := d.record()
	d.fails("b", 1)
	d.pass(time.Second)
	want := []string{"zone: 1 of 10 nodes of b lost within 2m, 6 would make it a zone", "storm: 1 of 30 nodes lost within 2m, 6 would be a storm"}
	if diff := cmp.Diff(want, missTexts(d.opened[0].Fault)); diff != "" {
		t.Errorf("opened with (-want +got):\n%s", diff)
	}
	told := d.opened[0].Fault.Told
	if len(told) != 2 || told[1].Text != "node b0: its Lease is stale" || !told[1].At.Equal(silent) {
		t.Errorf("told %+v", told)
	}
	want[0], want[1] = "zone: 2 of 10 nodes of b lost within 2m, 6 would make it a zone", "storm: 2 of 30 nodes lost within 2m, 6 would be a storm"
	now := inc.Fault
	now.Misses = d.Misses(inc.Fault)
	if diff := cmp.Diff(want, missTexts(&now)); diff != "" {
		t.Errorf("now (-want +got):\n%s", diff)
	}
	if f := d.Look(inc).Sight.Finding; f == nil || len(f.Misses)+len(f.Told) > 0 {
		t.Errorf("what no move records is explained: %+v", f)
	}
}

// TestRecurredSaysWhatDidNotMatch: so does the record of a fault that came back, with the numbers of then.
func TestRecurredSaysWhatDidNotMatch(t *testing.T) {
	d := newDeskOf(t, reach...)
	d.Start(t.Context())
	d.fleet(10, "a", "b", "c")
	d.fails("b", 0)
	d.pass(window)
	inc := d.record()
	if err := inc.Apply(incident.Sequenced{Record: incident.Record{Schema: incident.Schema, Incident: inc.ID, Kind: incident.Cleared}, Seq: 2}); err != nil {
		t.Fatal(err)
	}
	d.fails("b", 1)
	d.pass(time.Second)
	rec := inc.Upcoming(d.Look(inc).Sight, incident.Terms{}).Record
	if rec.Kind != incident.Recurred || len(rec.Fault.Told) != 2 {
		t.Fatalf("record %+v, want recurred", rec)
	}
	if diff := cmp.Diff("zone: 2 of 10 nodes of b lost within 2m, 6 would make it a zone", missTexts(rec.Fault)[0]); diff != "" {
		t.Errorf("recurred with (-want +got):\n%s", diff)
	}
}

// TestRecordsOfReplicasAgree: what is recorded depends on the events alone.
func TestRecordsOfReplicasAgree(t *testing.T) {
	opened := func() []incident.Record {
		d := newDeskOf(t, reach...)
		d.Start(t.Context())
		d.fleet(10, "a", "b", "c")
		for n := range 8 {
			d.fails("b", n)
		}
		d.fails("c", 3)
		d.pass(2 * window)
		return d.opened
	}
	first := opened()
	if len(first) != 2 {
		t.Fatalf("%d incidents, want the zone and a node", len(first))
	}
	for range 5 {
		if diff := cmp.Diff(first, opened()); diff != "" {
			t.Fatalf("another replica records (-one +other):\n%s", diff)
		}
	}
}
