package cloudevents

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/events"
)

func TestDecodeReadsWhatEncodeRenders(t *testing.T) {
	sent := []events.Event{
		{ID: "probe/prod/w/apiserver/1", Source: "/witnesses/w", Type: events.TypeProbe, Cluster: "prod", Entity: "probe/w/apiserver", Time: at,
			Data: json.RawMessage(`{"by":"w","reason":"it answers 503 <b>"}`)},
		{ID: "2", Source: "s", Type: "org.example", Cluster: "prod", Entity: "pod/shop/web-0", Time: at, Data: json.RawMessage(`null`)},
	}
	body, err := Encode(sent...)
	if err != nil {
		t.Fatal(err)
	}
	d := decoder()
	d.Internal = true
	got, err := d.Decode(http.Header{"Content-Type": {BatchType}}, body)
	if err != nil || len(got.Rejected) > 0 {
		t.Fatalf("%v, rejected %v of %s", err, got.Rejected, body)
	}
	want := append([]events.Event(nil), sent...)
	for i := range want {
		want[i].ID = identity("prod", want[i].Source, want[i].ID)
	}
	var compact = func(raw json.RawMessage) any {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	if diff := cmp.Diff(want, got.Events, cmp.Transformer("compact", compact)); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestEncodeRefusesWhatIsNoCloudEvent(t *testing.T) {
	for name, ev := range map[string]events.Event{
		"no id":   {Source: "s", Type: "t", Cluster: "c", Entity: "a/b", Data: json.RawMessage(`1`)},
		"no JSON": {ID: "1", Source: "s", Type: "t", Cluster: "c", Entity: "a/b", Data: json.RawMessage(`{`)},
	} {
		if body, err := Encode(ev); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: rendered as %s, %v", name, body, err)
		}
	}
}

func TestDecodeLetsTakeHaveTheLastWord(t *testing.T) {
	d := decoder()
	d.Take = func(ev events.Event) (events.Event, error) {
		if ev.Source == "https://falco.org" {
			return events.Event{}, errOutside
		}
		ev.Data = json.RawMessage(`"taken"`)
		return ev, nil
	}
	batch := `[{"specversion":"1.0","id":"1","source":"s","type":"t"},{"specversion":"1.0","id":"1","source":"https://falco.org","type":"t"}]`
	got, err := d.Decode(http.Header{"Content-Type": {BatchType}}, []byte(batch))
	if err != nil || len(got.Events) != 1 || string(got.Events[0].Data) != `"taken"` || len(got.Rejected) != 1 || !errors.Is(got.Rejected[0].Err, errOutside) {
		t.Errorf("got %+v, %v", got, err)
	}
}
