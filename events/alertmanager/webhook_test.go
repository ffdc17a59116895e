package alertmanager

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/alertmanager/notify/webhook"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"

	"github.com/salvor-io/salvor/events"
)

var errOutside = errors.New("outside the binding")

// decoder is bound to two clusters.
func decoder() Decoder {
	return Decoder{
		Source: "am", ClusterLabel: "cluster", Kinds: []string{"node"},
		Bind: func(named string) (string, error) {
			if named == "prod" || named == "stage" {
				return named, nil
			}
			return "", errOutside
		},
	}
}

var start = time.Date(2026, 3, 1, 10, 0, 0, 123e6, time.UTC)

// realAlert is an alert as Alertmanager's own types write it.
func realAlert() template.Alert {
	labels := template.KV{"alertname": "KubeNodeNotReady", "cluster": "prod", "node": "worker-1"}
	return template.Alert{
		Status: "firing", Labels: labels, Annotations: template.KV{"summary": "node is not ready"}, StartsAt: start,
		GeneratorURL: "http://prometheus/graph", Fingerprint: fingerprintOf(labels),
	}
}

func fingerprintOf(labels template.KV) string {
	set := model.LabelSet{}
	for name, value := range labels {
		set[model.LabelName(name)] = model.LabelValue(value)
	}
	return set.Fingerprint().String()
}

// realBody is a webhook as Alertmanager's own types write it.
func realBody(t testing.TB, truncated uint64, alerts ...template.Alert) []byte {
	t.Helper()
	body, err := json.Marshal(webhook.Message{
		Version: "4", GroupKey: `{}:{alertname="x"}`, TruncatedAlerts: truncated,
		Data: &template.Data{Receiver: "salvor", Status: "firing", Alerts: alerts, ExternalURL: "http://am:9093"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// withAlerts is a webhook of alerts given as JSON.
func withAlerts(alerts ...string) []byte {
	return []byte(`{"version":"4","receiver":"salvor","alerts":[` + strings.Join(alerts, ",") + `]}`)
}

const goodAlert = `{"status":"firing","labels":{"alertname":"A","cluster":"prod"},"startsAt":"2026-03-01T10:00:00Z"}`

func decodeOne(t *testing.T, body []byte) events.Event {
	t.Helper()
	group, err := decoder().Decode(body)
	if err != nil {
		t.Fatal(err)
	}
	if len(group.Events) != 1 || len(group.Rejected) != 0 {
		t.Fatalf("got %d events and rejected %v, want one event", len(group.Events), group.Rejected)
	}
	return group.Events[0]
}

func TestDecodeReadsWhatAlertmanagerWrites(t *testing.T) {
	got := decodeOne(t, realBody(t, 0, realAlert()))
	fp := realAlert().Fingerprint
	var payload events.Alert
	if err := got.Decode(&payload); err != nil {
		t.Fatal(err)
	}
	want := events.Alert{
		Fingerprint: fp, Status: "firing", Name: "KubeNodeNotReady",
		Labels:      events.NewLabelSet(map[string]string{"alertname": "KubeNodeNotReady", "cluster": "prod", "node": "worker-1"}),
		Annotations: events.NewLabelSet(map[string]string{"summary": "node is not ready"}),
		StartsAt:    start, GeneratorURL: "http://prometheus/graph", Receiver: "salvor", Kinds: []string{"node"},
	}
	if diff := cmp.Diff(want, payload); diff != "" {
		t.Errorf("payload (-want +got):\n%s", diff)
	}
	got.Data = nil
	wantEvent := events.Event{
		ID: "alert/prod/" + fp + "/2026-03-01T10:00:00.123Z/firing", Source: "am", Type: events.TypeAlert,
		Cluster: "prod", Entity: "alert/" + fp, Time: start,
	}
	if diff := cmp.Diff(wantEvent, got); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

func TestDecodeGivesOneIdentityToAllReportsOfAnAlert(t *testing.T) {
	first := decodeOne(t, realBody(t, 0, realAlert()))
	tests := []struct {
		name   string
		change func(*template.Alert)
		same   bool
	}{
		{"re-send", func(*template.Alert) {}, true},
		{"peer in another time zone", func(a *template.Alert) { a.StartsAt = start.In(time.FixedZone("x", 3600)) }, true},
		{"peer with other annotations", func(a *template.Alert) { a.Annotations = nil }, true},
		{"peer without fingerprint", func(a *template.Alert) { a.Fingerprint = "" }, true},
		{"end", func(a *template.Alert) { a.Status, a.EndsAt = "resolved", start.Add(time.Minute) }, false},
		{"next start", func(a *template.Alert) { a.StartsAt = start.Add(time.Hour) }, false},
		{"same in another cluster", func(a *template.Alert) {
			a.Labels = template.KV{"alertname": "KubeNodeNotReady", "cluster": "stage", "node": "worker-1"}
		}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			alert := realAlert()
			test.change(&alert)
			got := decodeOne(t, realBody(t, 0, alert))
			if same := got.ID == first.ID; same != test.same {
				t.Errorf("identities %q and %q: same is %v, want %v", first.ID, got.ID, same, test.same)
			}
			if got.Entity != first.Entity {
				t.Errorf("entity is %q, want %q: the view folds by it", got.Entity, first.Entity)
			}
		})
	}
}

func TestDecodeDatesAResolvedAlertByItsEnd(t *testing.T) {
	alert := realAlert()
	alert.Status, alert.EndsAt = "resolved", start.Add(time.Minute)
	if got := decodeOne(t, realBody(t, 0, alert)); !got.Time.Equal(alert.EndsAt) {
		t.Errorf("time is %v, want %v", got.Time, alert.EndsAt)
	}
}

func TestDecodeComputesAMissingFingerprint(t *testing.T) {
	alert := realAlert()
	alert.Fingerprint = ""
	want := "alert/" + realAlert().Fingerprint
	if got := decodeOne(t, realBody(t, 0, alert)).Entity; got != want {
		t.Errorf("entity is %q, want %q as Alertmanager computes it", got, want)
	}
}

func TestDecodeMarksEveryAlertOfATruncatedGroup(t *testing.T) {
	second := realAlert()
	second.StartsAt = start.Add(time.Second)
	group, err := decoder().Decode(realBody(t, 3, realAlert(), second))
	if err != nil || len(group.Events) != 2 {
		t.Fatalf("got %d events and %v, want 2", len(group.Events), err)
	}
	for _, ev := range group.Events {
		var alert events.Alert
		if err := ev.Decode(&alert); err != nil || !alert.Truncated {
			t.Errorf("%s: truncated is %v (%v), want true", ev.ID, alert.Truncated, err)
		}
	}
}

func TestDecodeToleratesFieldsItDoesNotKnow(t *testing.T) {
	decodeOne(t, []byte(`{"version":"4","soon":{"x":[1]},"alerts":[{"new":null,`+strings.TrimPrefix(goodAlert, "{")+`]}`))
}

func TestDecodeRefusesABodyThatIsNoWebhook(t *testing.T) {
	tooMany := withAlerts(strings.Split(strings.Repeat("{} ", MaxAlerts)+"{}", " ")...)
	tests := []struct {
		name, body, want string
	}{
		{"empty", ``, "unexpected end"},
		{"text", `alert!`, "invalid character"},
		{"cut off", `{"version":"4","alerts":[`, "unexpected end"},
		{"two documents", string(withAlerts(goodAlert)) + `{}`, "after top-level value"},
		{"array", `[]`, "JSON array where an object"},
		{"not utf-8", "{\"version\":\"4\",\"x\":\"\xff\"}", "UTF-8"},
		{"no version", `{"alerts":[` + goodAlert + `]}`, "no version"},
		{"grafana's version", `{"version":"1","alerts":[` + goodAlert + `]}`, `version is "1"`},
		{"version is a number", `{"version":4,"alerts":[` + goodAlert + `]}`, "field version is a JSON number"},
		{"no alerts", `{"version":"4"}`, "no alerts"},
		{"null alerts", `{"version":"4","alerts":null}`, "no alerts"},
		{"empty alerts", `{"version":"4","alerts":[]}`, "no alerts"},
		{"alerts is an object", `{"version":"4","alerts":{}}`, "field alerts is a JSON object"},
		{"negative truncation", `{"version":"4","truncatedAlerts":-1,"alerts":[` + goodAlert + `]}`, "truncatedAlerts is a JSON number"},
		{"receiver is a number", `{"version":"4","receiver":1,"alerts":[` + goodAlert + `]}`, "field receiver"},
		{"too many", string(tooMany), "too many alerts"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			group, err := decoder().Decode([]byte(test.body))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want one with %q", err, test.want)
			}
			if len(group.Events) != 0 {
				t.Errorf("got %d events, want none", len(group.Events))
			}
		})
	}
	if _, err := decoder().Decode(tooMany); !errors.Is(err, ErrTooMany) {
		t.Errorf("error is %v, want ErrTooMany", err)
	}
}

func TestDecodeLetsAMalformedAlertCostOnlyItself(t *testing.T) {
	with := func(old, now string) string { return strings.Replace(goodAlert, old, now, 1) }
	many := func(n int) string {
		var out strings.Builder
		for i := range n {
			fmt.Fprintf(&out, `"l%d":"x",`, i)
		}
		return out.String()
	}
	tests := []struct {
		name, alert, want string
	}{
		{"null", `null`, "status"},
		{"text", `"x"`, "JSON string where an object"},
		{"no status", with(`"status":"firing",`, ``), "status"},
		{"unknown status", with(`firing`, `pending`), `status is "pending"`},
		{"status is a bool", with(`"firing"`, `true`), "field status is a JSON bool"},
		{"no labels", with(`"labels":{"alertname":"A","cluster":"prod"},`, ``), "no label alertname"},
		{"null labels", with(`{"alertname":"A","cluster":"prod"}`, `null`), "no label alertname"},
		{"labels is a list", with(`{"alertname":"A","cluster":"prod"}`, `[]`), "field labels is a JSON array"},
		{"label is a number", with(`"A"`, `1`), "field labels"},
		{"label is null", with(`"A"`, `null`), `"alertname" is null`},
		{"no name", with(`"alertname":"A",`, ``), "no label alertname"},
		{"empty name", with(`"A"`, `""`), "no label alertname"},
		{"label without a name", with(`"alertname"`, `"":"x","alertname"`), "name of a label is 0 bytes"},
		{"long label name", with(`"alertname"`, `"`+strings.Repeat("n", maxKey+1)+`":"x","alertname"`), "name of a label"},
		{"long label", with(`"A"`, `"`+strings.Repeat("v", maxLabel+1)+`"`), `label "alertname" is`},
		{"many labels", with(`"alertname"`, many(maxPairs)+`"alertname"`), "at most 64"},
		{"annotations is a text", with(`"labels"`, `"annotations":"x","labels"`), "field annotations"},
		{"annotation is an object", with(`"labels"`, `"annotations":{"a":{}},"labels"`), "field annotations"},
		{"long annotation", with(`"labels"`, `"annotations":{"a":"`+strings.Repeat("v", maxAnnotation+1)+`"},"labels"`), `annotation "a"`},
		{"no start", with(`,"startsAt":"2026-03-01T10:00:00Z"`, ``), "no startsAt"},
		{"null start", with(`"2026-03-01T10:00:00Z"`, `null`), "no startsAt"},
		{"zero start", with(`2026-03-01T10:00:00Z`, `0001-01-01T00:00:00Z`), "no startsAt"},
		{"start is no time", with(`2026-03-01T10:00:00Z`, `yesterday`), "yesterday"},
		{"start is a number", with(`"2026-03-01T10:00:00Z"`, `1772359200`), "Time"},
		{"start without zone", with(`10:00:00Z`, `10:00:00`), "parsing time"},
		{"start beyond year 9999", with(`2026-03-01T10:00:00Z`, `9999-12-31T23:00:00-02:00`), "year"},
		{"short fingerprint", with(`"status"`, `"fingerprint":"1234","status"`), "fingerprint"},
		{"upper-case fingerprint", with(`"status"`, `"fingerprint":"ABCDEF0123456789","status"`), "fingerprint"},
		{"signed fingerprint", with(`"status"`, `"fingerprint":"+123456789abcdef","status"`), "fingerprint"},
		{"fingerprint is a path", with(`"status"`, `"fingerprint":"../../../../etc/","status"`), "fingerprint"},
		{"fingerprint is a number", with(`"status"`, `"fingerprint":1,"status"`), "field fingerprint"},
		{"long generator", with(`"status"`, `"generatorURL":"`+strings.Repeat("u", maxText)+`","status"`), "generatorURL"},
		{"foreign cluster", with(`"prod"`, `"moon"`), "outside the binding"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			group, err := decoder().Decode(withAlerts(test.alert, goodAlert))
			if err != nil {
				t.Fatal(err)
			}
			if len(group.Events) != 1 {
				t.Errorf("got %d events, want the good one", len(group.Events))
			}
			if len(group.Rejected) != 1 {
				t.Fatalf("rejected %v, want one", group.Rejected)
			}
			got := group.Rejected[0]
			if !strings.Contains(got.Err.Error(), test.want) {
				t.Errorf("reason is %q, want one with %q", got.Err, test.want)
			}
			if string(got.Data) != test.alert {
				t.Errorf("kept %q, want the alert as it was sent", got.Data)
			}
		})
	}
}

func TestDecodePassesOnTheErrorOfBind(t *testing.T) {
	group, err := decoder().Decode(withAlerts(strings.Replace(goodAlert, "prod", "moon", 1)))
	if err != nil || len(group.Rejected) != 1 || !errors.Is(group.Rejected[0].Err, errOutside) {
		t.Errorf("rejected %v (%v), want the error of Bind", group.Rejected, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(realBody(f, 1, realAlert()))
	f.Add(withAlerts(goodAlert, `{}`, `null`))
	f.Add([]byte(`{"version":"4","alerts":[{"status":"resolved","labels":{"alertname":""}}]}`))
	f.Add([]byte(`[`))
	f.Add(withAlerts(strings.Replace(goodAlert, `"A"`, `"Watchdog","salvor_fault":"zone,,\u0000"`, 1)))
	d := hearing(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		group, err := d.Decode(body)
		if err != nil && len(group.Events)+len(group.Rejected) > 0 {
			t.Fatalf("error %v together with a group", err)
		}
		for _, ev := range group.Events {
			if err := ev.Validate(); err != nil {
				t.Errorf("event is not valid: %v", err)
			}
			if ev.Type == events.TypeHeartbeat {
				continue
			}
			var alert events.Alert
			if err := ev.Decode(&alert); err != nil || ev.Entity != "alert/"+alert.Fingerprint {
				t.Errorf("payload of %s: entity %s, %v", ev.ID, ev.Entity, err)
			}
		}
		for _, rejected := range group.Rejected {
			if rejected.Err == nil || !json.Valid(rejected.Data) {
				t.Errorf("rejected %q for %v", rejected.Data, rejected.Err)
			}
		}
		again, _ := d.Decode(body)
		if diff := cmp.Diff(group.Events, again.Events); diff != "" {
			t.Errorf("decoding twice differs:\n%s", diff)
		}
	})
}
