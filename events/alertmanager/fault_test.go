package alertmanager

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
)

func TestFaultKindsAreThoseOfClassifiers(t *testing.T) {
	var kinds []string
	for _, kind := range classifiers.Kinds() {
		kinds = append(kinds, string(kind))
	}
	if diff := cmp.Diff(kinds, faultKinds()); diff != "" {
		t.Errorf("kinds (-classifiers +here):\n%s", diff)
	}
	if strings.Contains(strings.Join(kinds, " "), events.KindNone) {
		t.Errorf("%s is a kind", events.KindNone)
	}
}

func TestFaultNarrowsWhatAnAlertMaySpeakFor(t *testing.T) {
	none := []string{events.KindNone}
	tests := []struct {
		name           string
		allowed        []string // by the credential
		address, label string
		want           []string
		remarks        int
	}{
		{"nothing said", []string{"node"}, "", "", []string{"node"}, 0},
		{"anything, nothing said", nil, "", "", nil, 0},
		{"label of any", nil, "", "zone", []string{"zone"}, 0},
		{"label of some", []string{"node", "zone", "data"}, "", "data,zone", []string{"zone", "data"}, 0},
		{"label with blanks", nil, "", " zone , ,node,zone ", []string{"zone", "node"}, 0},
		{"label of blanks", []string{"node"}, "", " , ", []string{"node"}, 0},
		{"label never widens", []string{"node"}, "", "security", none, 0},
		{"address", nil, "zone,node", "", []string{"zone", "node"}, 0},
		{"address and label", nil, "zone,node", "node,data", []string{"node"}, 0},
		{"address and label apart", nil, "zone", "node", none, 0},
		{"address never widens, nor does the label after it", []string{"node"}, "zone", "node", none, 0},
		{"unknown word", []string{"node", "zone"}, "", "zone,fire", []string{"node", "zone"}, 1},
		{"unknown word in the address", []string{"node", "zone"}, "fire", "zone", []string{"zone"}, 1},
		{"upper case", []string{"node"}, "", "Node", []string{"node"}, 1},
		{"none is no word", []string{"node"}, "", "none", []string{"node"}, 1},
		{"both unknown", []string{"node"}, "x", "y", []string{"node"}, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := decoder()
			d.Kinds, d.Fault = test.allowed, test.address
			alert := realAlert()
			if test.label != "" {
				alert.Labels[FaultLabel] = test.label
				alert.Fingerprint = ""
			}
			group, err := d.Decode(realBody(t, 0, alert))
			if err != nil || len(group.Events) != 1 || len(group.Rejected) != 0 {
				t.Fatalf("got %+v, %v, want one event", group, err)
			}
			var seen events.Alert
			if err := group.Events[0].Decode(&seen); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, seen.Kinds); diff != "" {
				t.Errorf("kinds (-want +got):\n%s", diff)
			}
			if len(group.Remarks) != test.remarks {
				t.Errorf("remarks are %v, want %d", group.Remarks, test.remarks)
			}
		})
	}
}

func TestFaultThatIsNotUnderstoodIsSaidShortly(t *testing.T) {
	_, err := narrow(nil, strings.Repeat("x", 5000))
	if err == nil || len(err.Error()) > 300 {
		t.Errorf("error is %v, want a short one", err)
	}
}

// hearing is a decoder that listens for heartbeats, of its own rows too.
func hearing(t testing.TB, extra ...Row) Decoder {
	d := decoder()
	d.At, d.Meaning = start.Add(time.Hour), table(t, extra...).Meaning
	return d
}

func TestWatchdogIsHeardEachTime(t *testing.T) {
	d := hearing(t, Row{Match: []string{`alertname="Alive"`}, Topic: events.TopicWatchdog})
	body := func(name, status string) []byte {
		return withAlerts(strings.NewReplacer(`"A"`, `"`+name+`"`, "firing", status).Replace(goodAlert))
	}
	long := strings.Repeat("n", maxLabel)
	loose := hearing(t, Row{Match: []string{`alertname=~"n+"`}, Topic: events.TopicWatchdog})
	tests := []struct {
		name    string
		decoder Decoder
		body    []byte
		beat    string // name of the heartbeat, "" for none
		remarks int
	}{
		{"watchdog", d, body("Watchdog", "firing"), "Watchdog", 0},
		{"own row", d, body("Alive", "firing"), "Alive", 0},
		{"resolved", d, body("Watchdog", "resolved"), "", 0},
		{"another alert", d, body("KubeNodeNotReady", "firing"), "", 0},
		{"nobody listens", decoder(), body("Watchdog", "firing"), "", 0},
		{"name too long", loose, body(long, "firing"), "", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			group, err := test.decoder.Decode(test.body)
			if err != nil || len(group.Rejected) != 0 || len(group.Remarks) != test.remarks {
				t.Fatalf("got %+v, %v", group, err)
			}
			if group.Events[0].Type != events.TypeAlert {
				t.Errorf("first is %s, want the alert", group.Events[0].Type)
			}
			if test.beat == "" {
				if len(group.Events) != 1 {
					t.Errorf("got %d events, want the alert", len(group.Events))
				}
				return
			}
			want, err := events.NewHeartbeat("am", "prod", start.Add(time.Hour), events.Heartbeat{Name: test.beat})
			if err != nil || len(group.Events) != 2 {
				t.Fatalf("got %d events (%v), want the alert and its heartbeat", len(group.Events), err)
			}
			if diff := cmp.Diff(want, group.Events[1]); diff != "" {
				t.Errorf("heartbeat (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFalcoAlertIsCalledByItsRule(t *testing.T) {
	// The labels of outputs/alertmanager.go of falcosidekick, which sets no alertname.
	body := withAlerts(`{"status":"firing","startsAt":"2026-03-01T10:00:00Z","labels":{"cluster":"prod","source":"falco",
		"rule":"Terminal shell in container","eventsource":"syscall","priority":"Notice","severity":"information","tags":"shell",
		"hostname":"worker-1","k8s_ns_name":"shop","k8s_pod_name":"web-1"},"annotations":{"info":"a shell"}}`)
	var seen events.Alert
	if err := decodeOne(t, body).Decode(&seen); err != nil {
		t.Fatal(err)
	}
	if seen.Name != "Terminal shell in container" || table(t).Meaning(seen).Topic != events.TopicRuntime {
		t.Errorf("name is %q and meaning %+v", seen.Name, table(t).Meaning(seen))
	}
	for _, labels := range []string{`{"source":"falco"}`, `{"source":"other","rule":"R"}`, `{"rule":"R"}`} {
		group, err := decoder().Decode(withAlerts(`{"status":"firing","startsAt":"2026-03-01T10:00:00Z","labels":` + labels + `}`))
		if err != nil || len(group.Rejected) != 1 {
			t.Errorf("%s: got %+v, %v, want it rejected", labels, group, err)
		}
	}
}
