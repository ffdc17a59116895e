package ingest

import (
	"net/http"
	"strings"
	"testing"
)

// malformed are posts that must have no effect. Those answered 200 end with the dead letters.
var malformed = []struct {
	name string
	request
	status int
}{
	// Who and how, for either path.
	{"am: get", request{method: http.MethodGet}, 405},
	{"am: put", request{method: http.MethodPut, body: hook(goodAlert)}, 405},
	{"am: delete", request{method: http.MethodDelete}, 405},
	{"am: head", request{method: http.MethodHead}, 405},
	{"am: options", request{method: http.MethodOptions}, 405},
	{"am: no credential", request{body: hook(goodAlert), header: map[string]string{"Authorization": ""}}, 401},
	{"am: unknown token", request{body: hook(goodAlert), token: "other"}, 401},
	{"am: beginning of the token", request{body: hook(goodAlert), token: prodToken[:5]}, 401},
	{"am: token and more", request{body: hook(goodAlert), token: prodToken + "x"}, 401},
	{"am: token in upper case", request{body: hook(goodAlert), token: strings.ToUpper(prodToken)}, 401},
	{"am: two words as token", request{body: hook(goodAlert), token: prodToken + " " + prodToken}, 401},
	{"am: scheme alone", request{body: hook(goodAlert), header: map[string]string{"Authorization": "Bearer"}}, 401},
	{"am: scheme and blanks", request{body: hook(goodAlert), header: map[string]string{"Authorization": "Bearer   "}}, 401},
	{"am: token without scheme", request{body: hook(goodAlert), header: map[string]string{"Authorization": prodToken}}, 401},
	{"am: basic", request{body: hook(goodAlert), header: map[string]string{"Authorization": "Basic cHJvZDpwcm9k"}}, 401},
	{"am: gzip", request{body: hook(goodAlert), header: map[string]string{"Content-Encoding": "gzip"}}, 415},
	{"am: br", request{body: hook(goodAlert), header: map[string]string{"Content-Encoding": "br"}}, 415},
	{"am: gzip twice", request{body: hook(goodAlert), header: map[string]string{"Content-Encoding": "identity, gzip"}}, 415},
	{"am: form", request{body: hook(goodAlert), media: "application/x-www-form-urlencoded"}, 415},
	{"am: text", request{body: hook(goodAlert), media: "text/plain"}, 415},
	{"am: no content type", request{body: hook(goodAlert), header: map[string]string{"Content-Type": ""}}, 415},
	{"am: latin1", request{body: hook(goodAlert), media: "application/json; charset=latin1"}, 415},
	{"am: cloudevent", request{body: goodEvent, media: "application/cloudevents+json"}, 415},
	{"am: too large", request{body: hook(strings.Replace(goodAlert, "A", strings.Repeat("A", 1<<20), 1))}, 413},
	{"am: too many", request{body: hook(strings.Split(strings.Repeat("1 ", 10000)+"1", " ")...)}, 413},

	// No webhook.
	{"am: empty body", request{}, 400},
	{"am: blanks", request{body: " \n "}, 400},
	{"am: text for json", request{body: "alert!"}, 400},
	{"am: null", request{body: "null"}, 400},
	{"am: array", request{body: "[" + goodAlert + "]"}, 400},
	{"am: number", request{body: "4"}, 400},
	{"am: cut off", request{body: hook(goodAlert)[:50]}, 400},
	{"am: two webhooks", request{body: hook(goodAlert) + hook(goodAlert)}, 400},
	{"am: trailing comma", request{body: strings.Replace(hook(goodAlert), "]", ",]", 1)}, 400},
	{"am: not utf-8", request{body: hook(strings.Replace(goodAlert, "A", "\xff\xfe", 1))}, 400},
	{"am: deep nesting", request{body: strings.Repeat("[", 20000) + strings.Repeat("]", 20000)}, 400},
	{"am: no version", request{body: `{"alerts":[` + goodAlert + `]}`}, 400},
	{"am: version 3", request{body: strings.Replace(hook(goodAlert), `"4"`, `"3"`, 1)}, 400},
	{"am: grafana", request{body: strings.Replace(hook(goodAlert), `"4"`, `"1"`, 1)}, 400},
	{"am: version is a number", request{body: strings.Replace(hook(goodAlert), `"4"`, `4`, 1)}, 400},
	{"am: no alerts", request{body: `{"version":"4"}`}, 400},
	{"am: empty alerts", request{body: hook()}, 400},
	{"am: alerts is null", request{body: `{"version":"4","alerts":null}`}, 400},
	{"am: alerts is an object", request{body: `{"version":"4","alerts":` + goodAlert + `}`}, 400},
	{"am: alerts is a text", request{body: `{"version":"4","alerts":"x"}`}, 400},
	{"am: truncated is a text", request{body: `{"version":"4","truncatedAlerts":"1","alerts":[` + goodAlert + `]}`}, 400},
	{"am: truncated is negative", request{body: `{"version":"4","truncatedAlerts":-1,"alerts":[` + goodAlert + `]}`}, 400},
	{"am: prometheus' own api", request{body: `[{"labels":{"alertname":"A"}}]`}, 400},

	// Foreign clusters.
	{"am: foreign cluster", request{body: hook(alertOf("moon"))}, 403},
	{"am: foreign cluster of a fleet", request{body: hook(alertOf("moon"), alertOf("mars")), token: fleetToken}, 403},
	{"am: no cluster of a fleet", request{body: hook(goodAlert), token: fleetToken}, 403},
	{"am: cluster in other case", request{body: hook(alertOf("PROD"))}, 403},
	{"am: cluster and a blank", request{body: hook(alertOf("prod "))}, 403},
	{"am: cluster is a wildcard", request{body: hook(alertOf("*"))}, 403},
	{"am: cluster is the fleet", request{body: hook(alertOf("_fleet"))}, 403},

	// Webhooks of malformed alerts only.
	{"am: alert is null", request{body: hook(`null`)}, 200},
	{"am: alert is a text", request{body: hook(`"A"`)}, 200},
	{"am: alert is empty", request{body: hook(`{}`)}, 200},
	{"am: no status", request{body: hook(strings.Replace(goodAlert, `"status"`, `"state"`, 1))}, 200},
	{"am: status suppressed", request{body: hook(strings.Replace(goodAlert, `firing`, `suppressed`, 1))}, 200},
	{"am: no labels", request{body: hook(`{"status":"firing","startsAt":"2026-03-01T10:00:00Z"}`)}, 200},
	{"am: no alertname", request{body: hook(strings.Replace(goodAlert, `alertname`, `name`, 1))}, 200},
	{"am: label is a number", request{body: hook(strings.Replace(goodAlert, `"A"`, `1`, 1))}, 200},
	{"am: label is null", request{body: hook(strings.Replace(goodAlert, `"A"`, `null`, 1))}, 200},
	{"am: label is an object", request{body: hook(strings.Replace(goodAlert, `"A"`, `{}`, 1))}, 200},
	{"am: annotation is a list", request{body: hook(strings.Replace(goodAlert, `"labels"`, `"annotations":{"a":[]},"labels"`, 1))}, 200},
	{"am: huge label", request{body: hook(strings.Replace(goodAlert, `"A"`, `"`+strings.Repeat("A", 5000)+`"`, 1))}, 200},
	{"am: start is no time", request{body: hook(strings.Replace(goodAlert, `2026-03-01T10:00:00Z`, `now`, 1))}, 200},
	{"am: no start", request{body: hook(strings.Replace(goodAlert, `startsAt`, `startAt`, 1))}, 200},
	{"am: malformed fingerprint", request{body: hook(strings.Replace(goodAlert, `"labels"`, `"fingerprint":"xyz","labels"`, 1))}, 200},
	{"am: fingerprint of wildcards", request{body: hook(strings.Replace(goodAlert, `"labels"`, `"fingerprint":"salvor.event.>.*","labels"`, 1))}, 200},
	{"am: all of many", request{body: hook(strings.Split(strings.Repeat("{} ", 9999)+"{}", " ")...)}, 200},

	// CloudEvents.
	{"ce: get", request{path: EventsPath, method: http.MethodGet}, 405},
	{"ce: options", request{path: EventsPath, method: http.MethodOptions}, 405},
	{"ce: unknown token", structured(goodEvent).as("other"), 401},
	{"ce: gzip", structured(goodEvent).with("Content-Encoding", "gzip"), 415},
	{"ce: avro", structured(goodEvent).with("Content-Type", "application/cloudevents+avro"), 415},
	{"ce: latin1", structured(goodEvent).with("Content-Type", "application/cloudevents+json; charset=latin1"), 415},
	{"ce: binary with xml", binary("<a/>").with("Content-Type", "application/xml"), 415},
	{"ce: form", request{path: EventsPath, media: "application/x-www-form-urlencoded", body: "a=b"}, 415},
	{"ce: data is a text", structured(strings.Replace(eventWith(`"datacontenttype":"text/plain"`), `{"a":1}`, `"x"`, 1)), 415},
	{"ce: too large", structured(eventWith(`"x":"` + strings.Repeat("x", 1<<20) + `"`)), 413},
	{"ce: too many", batch(strings.Split(strings.Repeat(goodEvent+" ", 1000)+goodEvent, " ")...), 413},
	{"ce: plain json", request{path: EventsPath, body: goodEvent}, 400},
	{"ce: webhook", request{path: EventsPath, body: hook(goodAlert)}, 400},
	{"ce: empty", structured(""), 400},
	{"ce: null", structured("null"), 400},
	{"ce: batch as one", structured("[" + goodEvent + "]"), 400},
	{"ce: one as batch", structured(goodEvent).with("Content-Type", "application/cloudevents-batch+json"), 400},
	{"ce: cut off", structured(goodEvent[:20]), 400},
	{"ce: two documents", structured(goodEvent + goodEvent), 400},
	{"ce: version 0.3", structured(strings.Replace(goodEvent, "1.0", "0.3", 1)), 400},
	{"ce: no version", structured(strings.Replace(goodEvent, "specversion", "version", 1)), 400},
	{"ce: no id", structured(strings.Replace(goodEvent, `"id":"1",`, ``, 1)), 400},
	{"ce: no source", structured(strings.Replace(goodEvent, `"source":"s",`, ``, 1)), 400},
	{"ce: no type", structured(strings.Replace(goodEvent, `"type":"t",`, ``, 1)), 400},
	{"ce: id is a number", structured(strings.Replace(goodEvent, `"1"`, `1`, 1)), 400},
	{"ce: line break in id", structured(strings.Replace(goodEvent, `"1"`, `"1\r\nNats-Msg-Id: 2"`, 1)), 400},
	{"ce: time is no time", structured(eventWith(`"time":"now"`)), 400},
	{"ce: cluster is a number", structured(eventWith(`"cluster":1`)), 400},
	{"ce: data too large", structured(eventWith(`"data":"` + strings.Repeat("x", 256<<10) + `"`)), 400},
	{"ce: binary without id", binary("{}").with("Ce-Id", ""), 400},
	{"ce: binary of another version", binary("{}").with("Ce-Specversion", "2.0"), 400},
	{"ce: binary with broken body", binary("{"), 400},
	{"ce: foreign cluster", structured(eventWith(`"cluster":"moon"`)), 403},
	{"ce: no cluster of a fleet", structured(goodEvent).as(fleetToken), 403},
	{"ce: binary with foreign cluster", binary("{}").with("Ce-Cluster", "moon"), 403},
	{"ce: reserved type", structured(strings.Replace(goodEvent, `"t"`, `"io.salvor.node.v1"`, 1)), 403},
	{"ce: binary with reserved type", binary("{}").with("Ce-Type", "io.salvor.alert.v1"), 403},
	{"ce: batch of foreign clusters", batch(eventWith(`"cluster":"moon"`), eventWith(`"cluster":"mars"`)), 403},
	{"ce: batch of malformed events", batch(`{}`, `null`, `1`), 200},
	// Heartbeats.
	{"hb: get", heartbeatTo("prod").by(http.MethodGet), 405},
	{"hb: head", heartbeatTo("prod").by(http.MethodHead), 405},
	{"hb: no credential", heartbeatTo("prod").with("Authorization", ""), 401},
	{"hb: unknown token", heartbeatTo("prod").as("other"), 401},
	{"hb: gzip", heartbeatTo("prod").with("Content-Encoding", "gzip"), 415},
	{"hb: too large", request{path: HeartbeatPath + "prod", body: strings.Repeat(" ", 1<<20+1)}, 413},
	{"hb: body", request{path: HeartbeatPath + "prod", body: "{}"}, 400},
	{"hb: no cluster", heartbeatTo(""), 400},
	{"hb: no cluster but a name", heartbeatTo("?name=x"), 400},
	{"hb: empty name", heartbeatTo("prod?name="), 400},
	{"hb: name with a slash", heartbeatTo("prod?name=a%2Fb"), 400},
	{"hb: name with a line break", heartbeatTo("prod?name=a%0Ab"), 400},
	{"hb: long name", heartbeatTo("prod?name=" + strings.Repeat("n", 64)), 400},
	{"hb: two names", heartbeatTo("prod?name=a&name=b"), 400},
	{"hb: every nothing", heartbeatTo("prod?every="), 400},
	{"hb: every number", heartbeatTo("prod?every=30"), 400},
	{"hb: every moment", heartbeatTo("prod?every=1s"), 400},
	{"hb: every year", heartbeatTo("prod?every=8760h"), 400},
	{"hb: every -30s", heartbeatTo("prod?every=-30s"), 400},
	{"hb: misspelt promise", heartbeatTo("prod?evry=30s"), 400},
	{"hb: broken parameters", heartbeatTo("prod?every=30s;name=a"), 400},
	{"hb: foreign cluster", heartbeatTo("moon"), 403},
	{"hb: cluster in other case", heartbeatTo("PROD"), 403},
	{"hb: cluster is the fleet", heartbeatTo("_fleet"), 403},
	{"hb: path goes on", heartbeatTo("prod/x"), 403},

	{"ce: batch of data that is no json", batch(eventWith(`"datacontenttype":"text/plain"`)), 200},
}

func structured(body string) request {
	return request{path: EventsPath, media: "application/cloudevents+json", body: body}
}

func batch(members ...string) request {
	return request{path: EventsPath, media: "application/cloudevents-batch+json", body: "[" + strings.Join(members, ",") + "]"}
}

func heartbeatTo(cluster string) request {
	return request{path: HeartbeatPath + cluster, header: map[string]string{"Content-Type": ""}}
}

func (q request) by(method string) request {
	q.method = method
	return q
}

func binary(body string) request {
	return request{path: EventsPath, body: body, header: map[string]string{
		"Ce-Specversion": "1.0", "Ce-Id": "1", "Ce-Source": "s", "Ce-Type": "t",
	}}
}

func (q request) as(token string) request {
	q.token = token
	return q
}

func (q request) with(name, value string) request {
	header := map[string]string{name: value}
	for other, value := range q.header {
		if other != name {
			header[other] = value
		}
	}
	q.header = header
	return q
}

func TestMalformedPostsHaveNoEffect(t *testing.T) {
	names := map[string]bool{}
	for _, test := range malformed {
		names[test.name] = true
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			kept := &journal{}
			got := test.send(t, serving(t, kept, nil))
			if got.status != test.status {
				t.Errorf("status is %d (%s), want %d", got.status, got.Why, test.status)
			}
			recorded, letters := kept.holds()
			if len(recorded) != 0 {
				t.Errorf("recorded %v, want nothing", recorded)
			}
			if (len(letters) > 0) != (test.status == 200) || (got.Dead > 0) != (test.status == 200) {
				t.Errorf("%d letters and %d counted as dead with status %d", len(letters), got.Dead, test.status)
			}
			checkRefusal(t, test.method, got)
		})
	}
	if len(names) != len(malformed) || len(names) < 60 {
		t.Errorf("%d names for %d cases, want at least 60 of their own", len(names), len(malformed))
	}
}

// checkRefusal wants what, why and what to do, and the headers that belong to the status.
func checkRefusal(t *testing.T, method string, got answer) {
	t.Helper()
	if got.status == 200 || method == http.MethodHead {
		return
	}
	if got.What == "" || got.Why == "" || got.Do == "" || len(got.Why) > 700 {
		t.Errorf("refusal is %q, %q, %q: want all three, and short", got.What, got.Why, got.Do)
	}
	wanted := map[int]string{401: "Www-Authenticate", 405: "Allow", 503: "Retry-After"}
	for status, name := range wanted {
		if (got.header.Get(name) != "") != (got.status == status) {
			t.Errorf("header %s is %q with status %d", name, got.header.Get(name), got.status)
		}
	}
}

// TestWhatTheMalformedPostsBeginWith shows that the table's refusals come from what each case breaks.
func TestWhatTheMalformedPostsBeginWith(t *testing.T) {
	for name, q := range map[string]request{
		"webhook": {body: hook(goodAlert)}, "structured": structured(goodEvent), "binary": binary("{}"), "batch": batch(goodEvent),
		"heartbeat": heartbeatTo("prod?name=cron&every=1m"), "heartbeat of a fleet": heartbeatTo("stage").as(fleetToken),
		"json with charset":    {body: hook(goodAlert), media: "application/json; charset=UTF-8"},
		"identity":             {body: hook(goodAlert), header: map[string]string{"Content-Encoding": "identity"}},
		"scheme in lower case": {body: hook(goodAlert), header: map[string]string{"Authorization": "bearer " + prodToken}},
	} {
		t.Run(name, func(t *testing.T) {
			kept := &journal{}
			if got := q.send(t, serving(t, kept, nil)); got.status != 200 || got.Recorded != 1 {
				t.Errorf("got %+v, want one recorded", got)
			}
		})
	}
}
