package pipeline

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
)

// known are the ids of the incidents in the index.
func (d *desk) known() []incident.ID {
	var ids []incident.ID
	for _, inc := range d.Incidents() {
		ids = append(ids, inc.ID)
	}
	slices.Sort(ids)
	return ids
}

func (d *desk) tick() {
	d.t.Helper()
	d.tell(events.TypeTick, "tick/clock", events.Tick{Second: d.at.Unix()})
}

// The index holds what lives, and what ended until Keep has passed by the time of the view.
func TestIndexForgetsWhatEndedLongAgo(t *testing.T) {
	d := newDesk(t)
	d.Start(t.Context())
	d.silence()
	inc := d.record()
	d.lease("2", events.LeaseFresh)
	d.ends(inc.ID)
	for _, at := range []struct {
		passed time.Duration
		known  int
	}{{time.Hour, 1}, {keep, 1}, {keep + time.Second, 0}} {
		d.at = began.Add(at.passed)
		d.tick()
		if got := d.known(); len(got) != at.known {
			t.Errorf("%s after the end the index knows %v, want %d", at.passed, got, at.known)
		}
	}
}

// An incident is opened after the last record of the last of the same fault, as long as the index knows that.
func TestOpensAfterTheLastEnd(t *testing.T) {
	d := newDesk(t)
	d.Start(t.Context())
	d.silence()
	inc := d.record()
	d.lease("2", events.LeaseFresh)
	d.ends(inc.ID)
	d.lease("2", events.LeaseStale)
	if diff := cmp.Diff([]uint64{0, 3}, d.after); diff != "" {
		t.Errorf("opened after (-want +got):\n%s", diff)
	}
	d.at = began.Add(keep + time.Second)
	d.tick()
	if len(d.lastEnd) != 0 {
		t.Errorf("it still knows %v", d.lastEnd)
	}
}

// A restarted index equals a live one, whether an archiver has purged what ended long ago or not.
func TestRestartedIndexEqualsALiveOne(t *testing.T) {
	lives, ended, recent := fault("w1"), fault("w2"), fault("w3")
	live := newDesk(t)
	var recs []incident.Sequenced
	take := func(rec ...incident.Sequenced) {
		for _, r := range rec {
			if err := live.Record(r); err != nil {
				t.Fatal(err)
			}
		}
		recs = append(recs, rec...)
	}
	live.Start(t.Context())
	live.tick()
	take(opened(lives, live.at), opened(ended, live.at))
	recs = append(recs, live.ends(idOf(ended))...)
	live.at = began.Add(keep)
	live.tick()
	take(opened(recent, live.at))
	recs = append(recs, live.ends(idOf(recent))...)
	live.at = began.Add(keep + time.Minute)
	live.tick()

	for name, purged := range map[string]bool{"before its purge": false, "after its purge": true} {
		t.Run(name, func(t *testing.T) {
			restarted := newDesk(t)
			restarted.at = live.at
			restarted.tick()
			for _, rec := range recs {
				if purged && rec.Incident == idOf(ended) {
					continue
				}
				if err := restarted.Record(rec); err != nil {
					t.Fatal(err)
				}
			}
			restarted.Start(t.Context())
			if diff := cmp.Diff(live.known(), restarted.known()); diff != "" || len(live.known()) != 2 {
				t.Errorf("the restarted index differs (-live +restarted):\n%s", diff)
			}
			if diff := cmp.Diff(live.Live(), restarted.Live()); diff != "" {
				t.Errorf("other incidents live in it (-live +restarted):\n%s", diff)
			}
		})
	}
}

// A restart folds records and events side by side: what ended long ago goes when the view has come to now.
func TestStartForgetsWhatWasFoldedBeforeTheView(t *testing.T) {
	d := newDesk(t)
	f := fault("w1")
	if err := d.Record(opened(f, d.at)); err != nil {
		t.Fatal(err)
	}
	d.ends(idOf(f))
	d.at = began.Add(keep + time.Second)
	d.see("nodes", true) // no tick
	d.Start(t.Context())
	if got := d.known(); len(got) != 0 {
		t.Errorf("the index knows %v", got)
	}
}

// The rest of an incident that comes when its fault is open again does not take the place of the new one.
func TestTheRestOfAnEarlierIncidentComesLate(t *testing.T) {
	d := newDesk(t)
	d.Start(t.Context())
	d.silence()
	inc := d.record()
	again := opened(inc.Fault, d.at)
	again.Incident, again.Seq = incident.IDOf(inc.Key, 9), 9
	if err := d.Record(again); err != nil {
		t.Fatal(err)
	}
	d.ends(inc.ID)
	if live := d.Live(); len(live) != 1 || live[0] != again.Incident {
		t.Errorf("live are %v, want %s", live, again.Incident)
	}
}

func fault(node string) classifiers.Fault {
	return classifiers.Fault{Kind: classifiers.KindNode, Cluster: "prod-eu", Anchor: classifiers.Anchor{Kind: "node", Name: node, UID: node}}
}

func idOf(f classifiers.Fault) incident.ID { return incident.IDOf(incident.KeyOf(f), 1) }

func opened(f classifiers.Fault, at time.Time) incident.Sequenced {
	key := incident.KeyOf(f)
	return incident.Sequenced{Seq: 1, StoredAt: at, Record: incident.Record{Schema: incident.Schema, Incident: idOf(f), Kind: incident.Opened,
		Key: &key, Fault: &f, At: at}}
}
