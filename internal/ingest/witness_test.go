package ingest

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/salvor-io/salvor/events"
)

const witnessToken = "witness-token" // the witness w-us, bound to prod and stage

func withWitness(o *Options) {
	o.Credentials = append(o.Credentials, Credential{Name: "w", TokenSHA256: HashToken(witnessToken), Clusters: []string{"prod", "stage"}, Witness: "w-us"})
}

// testimony is a probe by a witness as a CloudEvent, with pairs of old and new text replaced.
func testimony(changes ...string) string {
	const well = `{"specversion":"1.0","id":"probe/prod/w-us/apiserver/1","source":"/witnesses/w-us","type":"io.salvor.probe.v1","cluster":"prod",` +
		`"subject":"probe/w-us/apiserver","data":{"by":"w-us","witness":false,"target":"apiserver","up":false,"reason":"connection refused","x":1}}`
	return strings.NewReplacer(changes...).Replace(well)
}

func TestWhatAWitnessMayPost(t *testing.T) {
	const media = "application/cloudevents+json"
	for _, c := range []struct {
		name, body string
		status     int
		why        string
	}{
		{"its own probe", testimony(), 200, ""},
		{"of another cluster it is bound to", testimony(`"cluster":"prod"`, `"cluster":"stage"`), 200, ""},
		{"of a cluster it is not bound to", testimony(`"cluster":"prod"`, `"cluster":"dev"`), 403, "not bound"},
		{"of no cluster", testimony(`"cluster":"prod",`, ``), 403, "no cluster is named"},
		{"a probe by another", testimony(`"by":"w-us"`, `"by":"r1"`), 403, "its own probes"},
		{"in the name of another", testimony("w-us", "r1"), 403, "its own probes"},
		{"about the entity of another", testimony("probe/w-us/apiserver\",\"d", "probe/r1/apiserver\",\"d"), 400, "subject"},
		{"about another target than it says", testimony(`"target":"apiserver"`, `"target":"etcd"`), 400, "subject"},
		{"a target that is not known", testimony("apiserver", "dns"), 400, "target"},
		{"no reason", testimony("connection refused", ""), 400, "why"},
		{"a reason of two lines", testimony("connection refused", `a\nb`), 400, "line"},
		{"a reason that is too long", testimony("connection refused", strings.Repeat("x", 300)), 400, "line"},
		{"another observation of Salvor", testimony("io.salvor.probe.v1", "io.salvor.node.v1"), 403, "its own probes"},
		{"an event of its own making", testimony("io.salvor.probe.v1", "org.example"), 403, "its own probes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			kept := &journal{}
			server := serving(t, kept, withWitness)
			got := request{path: EventsPath, token: witnessToken, media: media, body: c.body}.send(t, server)
			evs, letters := kept.holds()
			if got.status != c.status || !strings.Contains(got.Why, c.why) || len(letters) > 0 || (len(evs) == 1) != (c.status == 200) {
				t.Errorf("answered %d %q, %d events, %d letters", got.status, got.Why, len(evs), len(letters))
			}
		})
	}
}

func TestAWitnessIsOneBySalvorsWord(t *testing.T) {
	kept := &journal{}
	server := serving(t, kept, withWitness)
	batch := "[" + testimony() + "," + testimony(`"by":"w-us"`, `"by":"r1"`) + "]"
	got := request{path: EventsPath, token: witnessToken, media: "application/cloudevents-batch+json", body: batch}.send(t, server)
	evs, letters := kept.holds()
	if got.status != http.StatusOK || got.Recorded != 1 || got.Dead != 1 || len(evs) != 1 || len(letters) != 1 {
		t.Fatalf("answered %+v, %d events, %d letters", got, len(evs), len(letters))
	}
	if want := `{"by":"w-us","witness":true,"target":"apiserver","up":false,"reason":"connection refused"}`; string(evs[0].Data) != want {
		t.Errorf("recorded %s, want %s", evs[0].Data, want)
	}
	if ev := evs[0]; ev.Type != events.TypeProbe || ev.Cluster != "prod" || ev.Entity != "probe/w-us/apiserver" {
		t.Errorf("recorded %+v", ev)
	}
}

func TestAWitnessPostsNoAlertsAndNoHeartbeats(t *testing.T) {
	kept := &journal{}
	server := serving(t, kept, withWitness)
	beat := heartbeatTo("prod")
	beat.token = witnessToken
	for _, post := range []request{{token: witnessToken, body: hook(alertOf("prod"))}, beat} {
		got := post.send(t, server)
		if evs, letters := kept.holds(); got.status != http.StatusForbidden || len(evs)+len(letters) > 0 {
			t.Errorf("%s answered %d, %d events, %d letters", post.path, got.status, len(evs), len(letters))
		}
	}
}

func TestNobodyElsePostsProbes(t *testing.T) {
	kept := &journal{}
	server := serving(t, kept, withWitness)
	for _, token := range []string{prodToken, fleetToken, kindsToken} {
		got := request{path: EventsPath, token: token, media: "application/cloudevents+json", body: testimony()}.send(t, server)
		if evs, _ := kept.holds(); got.status != http.StatusForbidden || len(evs) > 0 {
			t.Errorf("%s: answered %d, %d events", token, got.status, len(evs))
		}
	}
}

func TestNewRefusesWitnessesThatWouldWiden(t *testing.T) {
	well := Credential{Name: "v", TokenSHA256: HashToken("v"), Clusters: []string{"prod"}, Witness: "w-eu"}
	for name, change := range map[string]func(*Credential){
		"kinds":                   func(c *Credential) { c.Kinds = []string{"node"} },
		"other observations, too": func(c *Credential) { c.Internal = true },
		"the witness of another":  func(c *Credential) { c.Witness = "w-us" },
	} {
		opts := Options{Log: &journal{}, Dead: &journal{}, Logger: discard()}
		withWitness(&opts)
		bad := well
		change(&bad)
		opts.Credentials = append(opts.Credentials, bad)
		if _, err := New(opts); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// FuzzTestified holds that whatever a witness sends, what is taken is its own probe, and by a witness.
func FuzzTestified(f *testing.F) {
	f.Add(`{"by":"w-us","target":"etcd","up":true}`, "probe/w-us/etcd")
	f.Add(`{"by":"w-us","target":"etcd","up":true}`, "probe/w-us/etcd/again")
	f.Add(`{"by":"w-us","BY":"r1","target":"etcd","reason":"x"}`, "probe/w-us/etcd")
	f.Fuzz(func(t *testing.T, data, entity string) {
		ev, err := Credential{Witness: "w-us"}.testified(events.Event{Type: events.TypeProbe, Entity: entity, Data: json.RawMessage(data)})
		if err != nil {
			return
		}
		var p events.Probe
		if err := json.Unmarshal(ev.Data, &p); err != nil {
			t.Fatal(err)
		}
		if of, _ := events.SaidOf(ev.Entity); p.By != "w-us" || !p.Witness || of != "probe/w-us/"+p.Target {
			t.Errorf("taken: %s about %s", ev.Data, ev.Entity)
		}
	})
}
