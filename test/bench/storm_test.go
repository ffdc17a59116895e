package main

import (
	"math"
	"testing"
	"time"

	"github.com/salvor-io/salvor/events/alertmanager"
	"github.com/salvor-io/salvor/test/sim"
)

// TestStormPosts: what is posted are valid alerts, each another one, and of the clusters that are configured.
func TestStormPosts(t *testing.T) {
	seen := map[string]bool{}
	take := func(body []byte, want ...string) {
		t.Helper()
		d := alertmanager.Decoder{Source: "/bench", ClusterLabel: "cluster", At: time.Now(), Bind: func(named string) (string, error) { return named, nil }}
		group, err := d.Decode(body)
		if err != nil || len(group.Rejected) > 0 || len(group.Remarks) > 0 || len(group.Events) != len(want) {
			t.Fatalf("%v, %+v, want %d events", err, group, len(want))
		}
		for i, ev := range group.Events {
			if ev.Entity != want[i] || seen[ev.Entity] || len(ev.Cluster) != 4 {
				t.Fatalf("event %+v, want another one about %s", ev, want[i])
			}
			seen[ev.Entity] = true
		}
	}
	for _, i := range []int{0, 1, 17, stormAlerts/stormBatch - 1} {
		body, entities := stormPost(i)
		take(body, entities...)
	}
	for i := range stormCritical + 1 {
		body, fingerprint, _ := alarmPost(i)
		take(body, entityOf(fingerprint))
	}
}

// TestStormRows: what is not in the log, or was not in the view, is lost, and what was not taken reaches no goal.
func TestStormRows(t *testing.T) {
	began := time.Unix(1000, 0)
	s := newStorm("")
	s.alarms["a"], s.alarms["b"] = alarm{began: began, seen: began.Add(time.Second)}, alarm{began: began}
	s.taken = []string{"alert/1", "alert/2", "alert/3"}
	s.viewed["alert/1"], s.viewed["alert/2"] = true, true
	rows := s.rows(map[string]bool{"alert/1": true, "alert/3": true}, 100)
	if rows[0].Value != 2 || rows[1].Value != inMillis(stormBound) || rows[2].Value != 100 {
		t.Errorf("got %v", rows)
	}
	for _, r := range rows {
		if r.Met == nil || *r.Met {
			t.Errorf("%s is met, and most was not taken", r.Name)
		}
	}
}

func TestRecallOf(t *testing.T) {
	got, _ := recallOf(sim.Duties{"node": {Had: 3, Missed: 0}, "zone": {Had: 1, Missed: 1}, "storm": {Had: 5, Missed: 5}})
	if want := (figure{0.75, 4, 0, 1}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if none, _ := recallOf(nil); !math.IsNaN(none.value) {
		t.Errorf("got %v of nothing", none)
	}
}
