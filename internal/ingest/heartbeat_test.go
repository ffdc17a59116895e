package ingest

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/events"
)

func TestHeartbeatIsRecorded(t *testing.T) {
	for path, want := range map[string]events.Heartbeat{
		"prod":                         {Name: "default"},
		"prod?name=db.cron_1":          {Name: "db.cron_1"},
		"prod?every=90s&name=Watchdog": {Name: "Watchdog", Every: 90},
	} {
		kept := &journal{}
		server := serving(t, kept, nil)
		began := time.Now().Truncate(time.Second)
		if got := heartbeatTo(path).send(t, server); got.status != 200 || got.Recorded != 1 {
			t.Fatalf("%s: got %+v, want one recorded", path, got)
		}
		recorded, _ := kept.holds()
		ev := recorded[0]
		var beat events.Heartbeat
		if err := ev.Decode(&beat); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, beat); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
		if ev.Type != events.TypeHeartbeat || ev.Cluster != "prod" || ev.Entity != "heartbeat/"+want.Name || ev.Time.Before(began) || ev.Time.After(time.Now()) ||
			!strings.HasPrefix(ev.ID, "heartbeat/prod/"+want.Name+"/") {
			t.Errorf("%s: recorded %+v", path, ev)
		}
	}
}

func TestHeartbeatIsDoubtedWhenItIsNotDurable(t *testing.T) {
	kept := &journal{appending: func(context.Context, []events.Event) error { return errors.New("disk full") }}
	if got := heartbeatTo("prod").send(t, serving(t, kept, nil)); got.status != 503 {
		t.Errorf("status is %d, want 503", got.status)
	}
}

func TestWatchdogOfAWebhookIsHeard(t *testing.T) {
	kept := &journal{}
	server := serving(t, kept, func(o *Options) {
		o.Meaning = func(a events.Alert) events.Meaning {
			if a.Name == "A" {
				return events.Meaning{Topic: events.TopicWatchdog, Independent: true}
			}
			return events.Meaning{}
		}
	})
	for range 2 {
		request{body: hook(goodAlert)}.send(t, server)
	}
	recorded, _ := kept.holds()
	alerts, beats := 0, 0
	for _, ev := range recorded {
		switch ev.Type {
		case events.TypeAlert:
			alerts++
		case events.TypeHeartbeat:
			beats++
		}
	}
	if alerts != 1 || beats < 1 || beats > 2 { // two when ten seconds end between the posts
		t.Errorf("recorded %d alerts and %d heartbeats", alerts, beats)
	}
}

func TestAddressOfAWebhookNarrowsItsKinds(t *testing.T) {
	var log bytes.Buffer
	kept := &journal{}
	server := serving(t, kept, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	kindsOf := func(query, token string) []string {
		t.Helper()
		before, _ := kept.holds()
		other := strings.Replace(goodAlert, `"A"`, `"`+events.Token(query+token)+`"`, 1)
		if got := (request{path: AlertmanagerPath + query, token: token, body: hook(other)}).send(t, server); got.status != 200 || got.Dead != 0 {
			t.Fatalf("%s: got %+v", query, got)
		}
		after, letters := kept.holds()
		if len(after) != len(before)+1 || len(letters) != 0 {
			t.Fatalf("%s: recorded %d and buried %v", query, len(after)-len(before), letters)
		}
		var seen events.Alert
		if err := after[len(before)].Decode(&seen); err != nil {
			t.Fatal(err)
		}
		return seen.Kinds
	}
	for _, test := range []struct {
		query, token string
		want         []string
	}{
		{"?salvor_fault=zone", prodToken, []string{"zone"}},
		{"?salvor_fault=zone,node&salvor_fault=data", prodToken, []string{"zone", "node", "data"}},
		{"?salvor_fault=zone", kindsToken, []string{events.KindNone}},
		{"?salvor_fault=fire", kindsToken, []string{"node"}},
	} {
		if diff := cmp.Diff(test.want, kindsOf(test.query, test.token)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.query, diff)
		}
	}
	if said := log.String(); strings.Count(said, "though it is odd") != 1 || !strings.Contains(said, "fire") {
		t.Errorf("logged %s, want one remark about fire", said)
	}
}
