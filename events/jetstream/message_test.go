package jetstream

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/salvor-io/salvor/events"
)

// received is a message as a consumer gives it.
type received struct {
	jetstream.Msg
	msg *nats.Msg
}

func (r received) Subject() string      { return r.msg.Subject }
func (r received) Data() []byte         { return r.msg.Data }
func (r received) Headers() nats.Header { return r.msg.Header }
func (r received) Metadata() (*jetstream.MsgMetadata, error) {
	return &jetstream.MsgMetadata{Sequence: jetstream.SequencePair{Stream: 7}, Timestamp: time.Unix(5, 0)}, nil
}

func TestEncode(t *testing.T) {
	ev := events.Event{
		ID: "node/1 \"x\"", Source: "/kube?a=1", Type: events.TypeNode, Cluster: "prod.eu", Entity: "node/wörker",
		Time: time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 7200)), Data: []byte(`{}`),
	}
	got, err := encode(ev)
	if err != nil {
		t.Fatal(err)
	}
	want := nats.Header{
		"Nats-Msg-Id": {messageID(ev.ID)}, "ce-specversion": {"1.0"}, "ce-id": {"node/1%20%22x%22"}, "ce-source": {"/kube?a=1"},
		"ce-type": {"io.salvor.node.v1"}, "ce-subject": {"node/w%C3%B6rker"}, "ce-cluster": {"prod.eu"},
		"ce-time": {"2026-01-02T01:04:05.000000006Z"}, "content-type": {"application/json"},
	}
	if diff := cmp.Diff(want, got.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if got.Subject != ev.Subject("salvor.event") || string(got.Data) != "{}" {
		t.Errorf("it is on %s with %q", got.Subject, got.Data)
	}
	if len(messageID("")) != len(messageID(strings.Repeat("x", 10000))) || messageID("a") == messageID("b") {
		t.Error("message ids are not of one length, or not one for each event id")
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*events.Event){
		"no id":       func(e *events.Event) { e.ID = "" },
		"no json":     func(e *events.Event) { e.Data = []byte("{") },
		"year 10000":  func(e *events.Event) { e.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"before time": func(e *events.Event) { e.Time = time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		ev := sample(1)
		spoil(&ev)
		if _, err := encode(ev); !events.IsPermanent(err) {
			t.Errorf("%s: %v, want a permanent error", name, err)
		}
	}
}

// TestDecodeRefuses: a message that encode cannot have written is no event.
func TestDecodeRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*nats.Msg){
		"no headers":         func(m *nats.Msg) { m.Header = nil },
		"no id":              func(m *nats.Msg) { delete(m.Header, "ce-id") },
		"two ids":            func(m *nats.Msg) { m.Header.Add("ce-id", "other") },
		"empty id":           func(m *nats.Msg) { m.Header.Set("ce-id", "") },
		"other version":      func(m *nats.Msg) { m.Header.Set("ce-specversion", "0.3") },
		"other content":      func(m *nats.Msg) { m.Header.Set("content-type", "text/plain") },
		"no content type":    func(m *nats.Msg) { delete(m.Header, "content-type") },
		"no cluster":         func(m *nats.Msg) { delete(m.Header, "ce-cluster") },
		"cut-off escape":     func(m *nats.Msg) { m.Header.Set("ce-source", "/a%2") },
		"wrong escape":       func(m *nats.Msg) { m.Header.Set("ce-source", "/a%zz") },
		"wrong time":         func(m *nats.Msg) { m.Header.Set("ce-time", "yesterday") },
		"no json":            func(m *nats.Msg) { m.Data = []byte("{") },
		"no data":            func(m *nats.Msg) { m.Data = nil },
		"elsewhere":          func(m *nats.Msg) { m.Subject = "salvor.event.other.x.y" },
		"of another cluster": func(m *nats.Msg) { m.Header.Set("ce-cluster", "other") },
		"header of HTTP":     func(m *nats.Msg) { m.Header["Ce-Id"] = m.Header["ce-id"]; delete(m.Header, "ce-id") },
	} {
		msg, err := encode(sample(1))
		if err != nil {
			t.Fatal(err)
		}
		spoil(msg)
		if ev, err := decode(received{msg: msg}); err == nil {
			t.Errorf("%s: it decoded to %+v", name, ev)
		}
	}
}

// TestDecodeTolerates: what CloudEvents lets others add is no reason to lose an event.
func TestDecodeTolerates(t *testing.T) {
	msg, err := encode(sample(1))
	if err != nil {
		t.Fatal(err)
	}
	msg.Header.Set("ce-traceparent", "00-x")
	msg.Header.Set("Nats-Batch-Id", "x")
	delete(msg.Header, "ce-time")
	got, err := decode(received{msg: msg})
	if err != nil {
		t.Fatal(err)
	}
	want := events.Recorded{Event: sample(1), Seq: 7, At: time.Unix(5, 0).UTC()}
	want.Time = time.Time{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// FuzzDecode: whatever is in the headers, decoding says an error or gives an event that encodes to the same message.
func FuzzDecode(f *testing.F) {
	f.Add("1.0", "id", "/source", "type", "node/a", "prod-eu", "2026-01-02T03:04:05Z", "application/json", []byte("{}"))
	f.Add("1.0", "a%20b", "%00", "%ff", "%", "%2", "", "", []byte("{"))
	f.Fuzz(func(t *testing.T, spec, id, source, typ, entity, cluster, at, content string, data []byte) {
		header := nats.Header{
			"ce-specversion": {spec}, "ce-id": {id}, "ce-source": {source}, "ce-type": {typ}, "ce-subject": {entity},
			"ce-cluster": {cluster}, "ce-time": {at}, "content-type": {content},
		}
		msg := &nats.Msg{Header: header, Data: data}
		parts := attributes{header: header}
		msg.Subject = events.Event{
			Cluster: parts.text("ce-cluster"), Type: events.Type(parts.text("ce-type")), Entity: parts.text("ce-subject"),
		}.Subject(eventPrefix)
		ev, err := decode(received{msg: msg})
		if err != nil {
			return
		}
		again, err := encode(ev.Event)
		if err != nil {
			t.Fatalf("%+v was decoded and does not encode: %v", ev, err)
		}
		back, err := decode(received{msg: again})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ev, back); diff != "" {
			t.Fatalf("it came back otherwise (-want +got):\n%s", diff)
		}
	})
}

func FuzzEscape(f *testing.F) {
	f.Add("plain")
	f.Add("a b\"c%\r\n\x00ü")
	f.Fuzz(func(t *testing.T, text string) {
		escaped := escape(text)
		if strings.ContainsFunc(escaped, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' }) {
			t.Fatalf("%q became %q", text, escaped)
		}
		if back, err := unescape(escaped); err != nil || back != text {
			t.Fatalf("%q came back as %q, %v", text, back, err)
		}
	})
}

func TestRedeliverAfter(t *testing.T) {
	var got []time.Duration
	for n := range uint64(12) {
		got = append(got, redeliverAfter(n))
	}
	ms := time.Millisecond
	want := []time.Duration{250 * ms, 250 * ms, 500 * ms, 1000 * ms, 2000 * ms, 4000 * ms, 8000 * ms, 16000 * ms, 30000 * ms, 30000 * ms, 30000 * ms, 30000 * ms}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
