package events_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/salvor-io/salvor/events"
)

// sets are JSON objects of texts in many forms.
var sets = []string{`{}`, `null`, ` { } `, `{"":""}`, `{"a":"b"}`, `{"a":"b","c":"d"}`, `{"c":"d","a":"b"}`, `{ "a" : "b" }`, `{"a":"b","a":"c"}`, `{"a":"\"\\\u00e9"}`,
	`{"a\n":"ü"}`, "{\"a\":\"\xff\"}", `{"a":"` + strings.Repeat("x", 300) + `"}`, `{"a":1}`, `{"a":null}`, `[]`, `"a"`, `{"a":"}","b":",\"c\":\"d"}`, `{"a":"b",}`, `{"a":"b"`, `{"a":"b"}}`, `{`}

func TestLabelSetReadsWhatAMapDoes(t *testing.T) {
	for _, text := range sets {
		sameAsMap(t, []byte(text))
	}
}

func FuzzLabelSet(f *testing.F) {
	for _, text := range sets {
		f.Add([]byte(text))
	}
	f.Fuzz(sameAsMap)
}

// sameAsMap reads JSON as a set and as a map, and wants the same of both, also after it was rendered and read again.
func sameAsMap(t *testing.T, text []byte) {
	var want map[string]string
	var got, again events.LabelSet
	errWant, errGot := json.Unmarshal(text, &want), json.Unmarshal(text, &got)
	if (errWant == nil) != (errGot == nil) {
		t.Fatalf("%q: %v as a set, %v as a map", text, errGot, errWant)
	}
	if errWant != nil {
		return
	}
	if !maps.Equal(maps.Collect(got.All()), want) || got != events.NewLabelSet(want) {
		t.Fatalf("%q is %v, want %v", text, got, want)
	}
	for name, value := range want {
		if got.Of(name) != value {
			t.Fatalf("%q: %q is %q, want %q", text, name, got.Of(name), value)
		}
	}
	rendered, err := json.Marshal(got)
	if err == nil {
		err = json.Unmarshal(rendered, &again)
	}
	if err != nil || again != got {
		t.Fatalf("%q is %s, and read again %v (%v)", text, rendered, again, err)
	}
}

// TestRenderedLabelsAreReadInOneGo: what is rendered takes the way without a map, which allocates no more than the text that it keeps.
func TestRenderedLabelsAreReadInOneGo(t *testing.T) {
	text, err := json.Marshal(events.NewLabelSet(map[string]string{"alertname": "KubeNodeNotReady", "node": "worker-1", "job": "kube-state-metrics", "severity": "warning"}))
	if err != nil {
		t.Fatal(err)
	}
	var set events.LabelSet
	if n := testing.AllocsPerRun(100, func() { _ = set.UnmarshalJSON(text) }); n > 1 {
		t.Errorf("%v allocations, want 1", n)
	}
	if set.String() != `{alertname="KubeNodeNotReady", job="kube-state-metrics", node="worker-1", severity="warning"}` || set.Of("pod") != "" {
		t.Errorf("got %v", set)
	}
}
