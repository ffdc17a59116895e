package cloudevents

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/events"
)

var errOutside = errors.New("outside the binding")

func decoder() Decoder {
	return Decoder{Bind: func(named string) (string, error) {
		if named == "" || named == "prod" {
			return "prod", nil
		}
		return "", errOutside
	}}
}

var at = time.Date(2026, 3, 1, 10, 0, 0, 5e6, time.UTC)

// sdkEvent is an event as the SDK of CloudEvents builds it.
func sdkEvent(t testing.TB, id string) event.Event {
	t.Helper()
	ev := sdk.NewEvent()
	ev.SetID(id)
	ev.SetSource("https://falco.org")
	ev.SetType("org.falco.rule")
	ev.SetSubject("pod/shop/web-0")
	ev.SetTime(at)
	ev.SetExtension("cluster", "prod")
	ev.SetExtension("priority", "critical")
	if err := ev.SetData("application/json", map[string]any{"rule": "shell in container", "n": 3}); err != nil {
		t.Fatal(err)
	}
	return ev
}

// sent is what the SDK puts on the wire.
func sent(t testing.TB, request *http.Request, err error) (http.Header, []byte) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		t.Fatal(err)
	}
	return request.Header, body
}

func requestFor(t testing.TB, ctx context.Context, ev event.Event) (http.Header, []byte) {
	t.Helper()
	request, err := cehttp.NewHTTPRequestFromEvent(ctx, "http://salvor/v1/events", ev)
	return sent(t, request, err)
}

func TestDecodeReadsWhatTheSDKWritesInEachMode(t *testing.T) {
	want := []events.Event{{
		ID: identity("prod", "https://falco.org", "7"), Source: "https://falco.org", Type: "org.falco.rule",
		Cluster: "prod", Entity: "pod/shop/web-0", Time: at, Data: json.RawMessage(`{"n":3,"rule":"shell in container"}`),
	}}
	modes := map[string]func() (http.Header, []byte){
		"binary": func() (http.Header, []byte) {
			return requestFor(t, binding.WithForceBinary(t.Context()), sdkEvent(t, "7"))
		},
		"structured": func() (http.Header, []byte) {
			return requestFor(t, binding.WithForceStructured(t.Context()), sdkEvent(t, "7"))
		},
		"batch": func() (http.Header, []byte) {
			request, err := cehttp.NewHTTPRequestFromEvents(t.Context(), "http://salvor/v1/events", []event.Event{sdkEvent(t, "7")})
			return sent(t, request, err)
		},
	}
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			header, body := mode()
			got, err := decoder().Decode(header, body)
			if err != nil || len(got.Rejected) != 0 {
				t.Fatalf("got %v, rejected %v", err, got.Rejected)
			}
			if diff := cmp.Diff(want, got.Events); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestIdentityIsClusterSourceAndID(t *testing.T) {
	base := identity("a", "b", "c")
	for _, other := range []string{identity("x", "b", "c"), identity("a", "x", "c"), identity("a", "b", "x"),
		identity("a b", "", "c"), identity("a", `b" "c`, "")} {
		if other == base {
			t.Errorf("two events share the identity %s", base)
		}
	}
	if identity("a", "b", "c") != base {
		t.Error("one event has two identities")
	}
}

func header(contentType string, more ...string) http.Header {
	h := http.Header{}
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	for i := 0; i < len(more); i += 2 {
		h.Add(more[i], more[i+1])
	}
	return h
}

var structuredType = header("application/cloudevents+json; charset=UTF-8")

const good = `{"specversion":"1.0","id":"1","source":"s","type":"t"}`

func with(more string) string { return strings.TrimSuffix(good, "}") + "," + more + "}" }

func TestDecodeFindsEntityAndPayload(t *testing.T) {
	tests := []struct {
		name, body, entity, data string
	}{
		{"subject of kind and name", with(`"subject":"node/w1","data":{"a":1}`), "node/w1", `{"a":1}`},
		{"plain subject", with(`"subject":"w1","data":[1]`), "subject/w1", `[1]`},
		{"subject that begins with a slash", with(`"subject":"/apis/x","data":"x"`), "subject//apis/x", `"x"`},
		{"nothing", good, identity("prod", "s", "1"), `null`},
		{"base64", with(`"data_base64":"eyJhIjoxfQ=="`), identity("prod", "s", "1"), `{"a":1}`},
		{"other json", with(`"datacontenttype":"text/json","data":true`), identity("prod", "s", "1"), `true`},
		{"version at the end", `{"data":{"a":1},"id":"1","source":"s","type":"t","specversion":"1.0"}`, identity("prod", "s", "1"), `{"a":1}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := decoder().Decode(structuredType, []byte(test.body))
			if err != nil {
				t.Fatal(err)
			}
			if ev := got.Events[0]; ev.Entity != test.entity || string(ev.Data) != test.data {
				t.Errorf("got entity %q with %s, want %q with %s", ev.Entity, ev.Data, test.entity, test.data)
			}
		})
	}
}

func TestDecodeRefusesAMalformedEvent(t *testing.T) {
	tests := []struct {
		name, body, want string
	}{
		{"empty", ``, "JSON object"},
		{"null", `null`, "no specversion"},
		{"array", `[` + good + `]`, "JSON object"},
		{"cut off", good[:20], "JSON object"},
		{"two documents", good + good, "JSON object"},
		{"not utf-8", with("\"data\":\"\xff\""), "UTF-8"},
		{"no specversion", `{"id":"1","source":"s","type":"t"}`, "no specversion"},
		{"old specversion", strings.Replace(good, "1.0", "0.3", 1), `specversion is "0.3"`},
		{"unknown specversion", strings.Replace(good, "1.0", "2.0", 1), "2.0"},
		{"no id", `{"specversion":"1.0","source":"s","type":"t"}`, "id"},
		{"blank id", `{"specversion":"1.0","id":" ","source":"s","type":"t"}`, "id"},
		{"id is a number", `{"specversion":"1.0","id":1,"source":"s","type":"t"}`, ""},
		{"id is null", `{"specversion":"1.0","id":null,"source":"s","type":"t"}`, ""},
		{"no source", `{"specversion":"1.0","id":"1","type":"t"}`, "source"},
		{"source is no uri", `{"specversion":"1.0","id":"1","source":"http://a b:%zz","type":"t"}`, ""},
		{"no type", `{"specversion":"1.0","id":"1","source":"s"}`, "type"},
		{"type is a list", `{"specversion":"1.0","id":"1","source":"s","type":[]}`, ""},
		{"line break in id", `{"specversion":"1.0","id":"1\r\nx: y","source":"s","type":"t"}`, "control"},
		{"line break in type", `{"specversion":"1.0","id":"1","source":"s","type":"t\n"}`, "control"},
		{"line break in subject", with(`"subject":"a/b\u0000"`), "control"},
		{"time is no time", with(`"time":"yesterday"`), ""},
		{"time beyond year 9999", with(`"time":"9999-12-31T23:00:00-02:00"`), "year 10000"},
		{"cluster is a number", with(`"cluster":1`), "cluster is not a text"},
		{"cluster is empty", with(`"cluster":""`), "cluster is not a text"},
		{"cluster is an object", with(`"cluster":{}`), ""},
		{"foreign cluster", with(`"cluster":"moon"`), "outside"},
		{"data is not json", with(`"datacontenttype":"text/plain","data":"x"`), "only JSON"},
		{"data is binary", with(`"data_base64":"/+8="`), "not JSON"},
		{"base64 is broken", with(`"data_base64":"%%%"`), ""},
		{"data too large", with(`"data":"` + strings.Repeat("x", events.MaxData) + `"`), "bytes"},
		{"id too long", strings.Replace(good, `"t"`, `"`+strings.Repeat("x", 600)+`"`, 1), "600 bytes"},
		{"reserved type", strings.Replace(good, `"t"`, `"io.salvor.node.v1"`, 1), "reserved"},
		{"attribute with a bad name", with(`"not a name":"x"`), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := decoder().Decode(structuredType, []byte(test.body))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want one with %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q has more than one line", err)
			}
			if len(got.Events) != 0 {
				t.Errorf("got %v, want no event", got.Events)
			}
		})
	}
}

func TestDecodeRefusesMalformedBinaryRequests(t *testing.T) {
	full := []string{"Ce-Specversion", "1.0", "Ce-Id", "1", "Ce-Source", "s", "Ce-Type", "t"}
	tests := []struct {
		name   string
		header http.Header
		body   string
	}{
		{"no id", header("application/json", "Ce-Specversion", "1.0", "Ce-Source", "s", "Ce-Type", "t"), `{}`},
		{"unknown version", header("application/json", "Ce-Specversion", "9"), `{}`},
		{"old version", header("application/json", append(full[2:], "Ce-Specversion", "0.3")...), `{}`},
		{"cluster twice", header("application/json", append(full, "Ce-Cluster", "prod", "Ce-Cluster", "prod")...), `{}`},
		{"foreign cluster", header("application/json", append(full, "Ce-Cluster", "moon")...), `{}`},
		{"broken body", header("application/json", full...), `{`},
		{"broken time", header("application/json", append(full, "Ce-Time", "now")...), `{}`},
		{"body is not utf-8", header("application/json", full...), "\"\xff\""},
		{"id is not utf-8", header("application/json", append(full[4:], "Ce-Specversion", "1.0", "Ce-Id", "\xff")...), `{}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, err := decoder().Decode(test.header, []byte(test.body)); err == nil {
				t.Errorf("got %v, want an error", got)
			}
		})
	}
	if _, err := decoder().Decode(header("application/json", full...), []byte(`{}`)); err != nil {
		t.Errorf("the request that the cases begin with: %v", err)
	}
}

func TestModeOf(t *testing.T) {
	tests := []struct {
		name   string
		header http.Header
		want   Mode
		err    error
	}{
		{"structured", structuredType, Structured, nil},
		{"structured wins over headers", header("application/cloudevents+json", "Ce-Specversion", "1.0"), Structured, nil},
		{"batch", header("application/cloudevents-batch+json"), Batched, nil},
		{"binary", header("application/json", "Ce-Specversion", "1.0"), Binary, nil},
		{"binary without data", header("", "Ce-Specversion", "1.0"), Binary, nil},
		{"plain json", header("application/json"), 0, errNoEvent},
		{"nothing", header(""), 0, errNoEvent},
		{"avro", header("application/cloudevents+avro"), 0, ErrMedia},
		{"xml data", header("application/xml", "Ce-Specversion", "1.0"), 0, ErrMedia},
		{"form", header("application/x-www-form-urlencoded"), 0, ErrMedia},
		{"latin1", header("application/cloudevents+json; charset=latin1"), 0, ErrMedia},
		{"garbage", header("a/b/c;;"), 0, ErrMedia},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := ModeOf(test.header)
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("got %v and %v, want %v and %v", got, err, test.want, test.err)
			}
		})
	}
}

func TestDecodeLetsAMalformedMemberCostOnlyItself(t *testing.T) {
	bad := []string{`null`, `1`, `{}`, with(`"cluster":"moon"`), strings.Replace(good, `"t"`, `"io.salvor.tick.v1"`, 1)}
	for _, member := range bad {
		t.Run(member, func(t *testing.T) {
			got, err := decoder().Decode(header("application/cloudevents-batch+json"), []byte(`[`+member+`,`+good+`]`))
			if err != nil || len(got.Events) != 1 || len(got.Rejected) != 1 {
				t.Fatalf("got %v and %v, want one event and one rejected", got, err)
			}
			if string(got.Rejected[0].Data) != member {
				t.Errorf("kept %q, want the member as it was sent", got.Rejected[0].Data)
			}
		})
	}
}

func TestDecodeBoundsABatch(t *testing.T) {
	batch := header("application/cloudevents-batch+json")
	list := func(n int) []byte {
		return []byte("[" + strings.TrimSuffix(strings.Repeat(good+",", n), ",") + "]")
	}
	if got, err := decoder().Decode(batch, list(MaxBatch)); err != nil || len(got.Events) != MaxBatch {
		t.Errorf("got %d events and %v, want %d", len(got.Events), err, MaxBatch)
	}
	if _, err := decoder().Decode(batch, list(MaxBatch+1)); !errors.Is(err, ErrTooMany) {
		t.Errorf("error is %v, want ErrTooMany", err)
	}
	if got, err := decoder().Decode(batch, list(0)); err != nil || len(got.Events) != 0 {
		t.Errorf("an empty batch gave %v and %v, want nothing", got, err)
	}
	for _, body := range []string{``, `null`, `{}`, good, `[` + good} {
		if _, err := decoder().Decode(batch, []byte(body)); err == nil {
			t.Errorf("batch %q is taken", body)
		}
	}
}

func TestInternalTypesNeedPermissionSubjectAndData(t *testing.T) {
	internal := decoder()
	internal.Internal = true
	node := strings.Replace(with(`"subject":"node/w1","data":{"name":"w1"}`), `"t"`, `"io.salvor.node.v1"`, 1)
	if _, err := decoder().Decode(structuredType, []byte(node)); !errors.Is(err, ErrInternal) {
		t.Errorf("error is %v, want ErrInternal", err)
	}
	got, err := internal.Decode(structuredType, []byte(node))
	if err != nil || got.Events[0].Type != events.TypeNode || got.Events[0].Entity != "node/w1" {
		t.Errorf("got %v and %v, want the node", got, err)
	}
	for _, missing := range []string{`"subject":"node/w1",`, `,"data":{"name":"w1"}`, `node/`} {
		if _, err := internal.Decode(structuredType, []byte(strings.Replace(node, missing, "", 1))); err == nil {
			t.Errorf("taken without %s", missing)
		}
	}
}

func TestDecodePassesOnTheErrorOfBind(t *testing.T) {
	if _, err := decoder().Decode(structuredType, []byte(with(`"cluster":"moon"`))); !errors.Is(err, errOutside) {
		t.Errorf("error is %v, want the one of Bind", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("application/cloudevents+json", "", []byte(with(`"subject":"node/w1","data":{"a":1},"cluster":"prod"`)))
	f.Add("application/cloudevents-batch+json", "", []byte("["+good+",null,{}]"))
	f.Add("application/json", "1.0", []byte(`{"a":1}`))
	f.Add("application/cloudevents+json", "", []byte(`{"data_base64":"eA==","specversion":"1.0","time":"x"}`))
	f.Fuzz(func(t *testing.T, contentType, version string, body []byte) {
		h := http.Header{"Content-Type": {contentType}, "Ce-Specversion": {version},
			"Ce-Id": {"1"}, "Ce-Source": {"s"}, "Ce-Type": {"t"}}
		original := bytes.Clone(body)
		got, err := decoder().Decode(h, body)
		if err != nil && len(got.Events)+len(got.Rejected) > 0 {
			t.Fatalf("error %v together with a batch", err)
		}
		for _, ev := range got.Events {
			if err := ev.Validate(); err != nil {
				t.Errorf("event is not valid: %v", err)
			}
			if strings.HasPrefix(string(ev.Type), internalPrefix) || ev.Cluster != "prod" {
				t.Errorf("a sender that may not sent %s of %s", ev.Type, ev.Cluster)
			}
		}
		again, _ := decoder().Decode(h, body)
		if diff := cmp.Diff(got.Events, again.Events); diff != "" {
			t.Errorf("decoding twice differs:\n%s", diff)
		}
		if !bytes.Equal(original, body) {
			t.Error("the body was changed")
		}
	})
}
