package replay

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 123456789, time.UTC)

func written(t *testing.T, fill func(*Writer)) []byte {
	t.Helper()
	var out bytes.Buffer
	w := NewWriter(&out, "what it is\n")
	fill(w)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func eventsOf(t *testing.T, f *File) []events.Recorded {
	t.Helper()
	var out []events.Recorded
	for {
		ev, err := f.Event()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, ev)
	}
}

// TestWhatIsWrittenIsRead, gzipped and not, whatever is in it.
func TestWhatIsWrittenIsRead(t *testing.T) {
	var wants []events.Recorded
	for i, data := range []string{`{"second":1}`, `{"text":"\u003cb\u003e \" \\ }"}`, `"}"`, `{"a":"` + strings.Repeat("x", 100<<10) + `"}`, `null`} {
		wants = append(wants, events.Recorded{Seq: uint64(i + 7), At: noon.Add(time.Duration(i) * time.Second), Event: events.Event{ID: "id \"" + strings.Repeat("é", i), Source: `/a\b`,
			Type: events.TypeTick, Cluster: "c<1>", Entity: "tick/clock", Time: noon.Truncate(time.Second), Data: json.RawMessage(data)}})
	}
	wants[0].ID, wants[0].Source = "plain", "/plain"
	rec := incident.Sequenced{Seq: 4, StoredAt: noon, Record: incident.Record{Schema: 1, Kind: incident.Opened, At: noon, ViewSeq: 7, Fault: &classifiers.Fault{Kind: classifiers.KindNode, Sentence: "-- x --"}}}
	text := written(t, func(w *Writer) {
		w.Config([]byte("clusters: []"))
		w.Policy("deep/own.rego", []byte("package x\n"))
		w.Runbook("r.yaml", []byte("a: b\n"))
		w.Span(noon, noon.Add(time.Hour))
		w.Incidents(must(IncidentLine(rec)))
		w.Asked(must(AskedLine("a/1", json.RawMessage(`{"question":{}}`))))
		for _, ev := range wants {
			w.Event(ev)
		}
	})
	var zipped bytes.Buffer
	zip := gzip.NewWriter(&zipped)
	_, _ = zip.Write(text)
	_ = zip.Close()
	for name, raw := range map[string][]byte{"plain": text, "gzipped": zipped.Bytes()} {
		t.Run(name, func(t *testing.T) {
			f, err := Read(bytes.NewReader(raw))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(wants, eventsOf(t, f)); diff != "" {
				t.Errorf("events -want +got:\n%s", diff)
			}
			if diff := cmp.Diff([]incident.Sequenced{rec}, f.Incidents); diff != "" {
				t.Errorf("incidents -want +got:\n%s", diff)
			}
			rules, err := f.Folder(folderPolicies)
			if err != nil {
				t.Fatal(err)
			}
			opened, err := rules.Open("deep/own.rego")
			if err != nil {
				t.Fatal(err)
			}
			_ = opened.Close()
			if f.Comment != "what it is\n" || string(f.Config) != "clusters: []\n" || !f.From.Equal(noon) || !f.To.Equal(noon.Add(time.Hour)) ||
				string(f.Asked["a/1"]) != `{"question":{}}` || !f.Recorded() {
				t.Errorf("got %+v", f)
			}
		})
	}
}

// TestEventsOfAnyForm: an event may be written by anybody, in any order of its fields.
func TestEventsOfAnyForm(t *testing.T) {
	want := events.Recorded{Seq: 3, At: noon, Event: events.Event{ID: "a", Source: "/s", Type: "t", Cluster: "c", Entity: "e/1", Time: noon, Data: json.RawMessage(`{"x": 1}`)}}
	stamp := noon.Format(time.RFC3339Nano)
	for _, line := range []string{
		fmt.Sprintf(`{"seq":3,"at":"%s","id":"a","source":"/s","type":"t","cluster":"c","entity":"e/1","time":"%s","data":{"x": 1}}`, stamp, stamp),
		fmt.Sprintf(`{"data":{"x": 1},"at":"%s","id":"\u0061","source":"/s","type":"t","cluster":"c","entity":"e/1","time":"%s","seq":3}`, stamp, stamp),
		fmt.Sprintf(` {"seq": 3, "more": true, "at":"%s","id":"a","source":"/s","type":"t","cluster":"c","entity":"e/1","time":"%s","data":{"x": 1}}`, stamp, stamp),
	} {
		f, err := Read(strings.NewReader("-- events.jsonl --\n" + line + "\r\n-- end --\n"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]events.Recorded{want}, eventsOf(t, f)); diff != "" {
			t.Errorf("%s\n-want +got:\n%s", line, diff)
		}
	}
}

func TestWhatIsNoFile(t *testing.T) {
	for text, want := range map[string]string{
		"":                                       "want either a section",
		"-- scene --\nx\n-- events.jsonl --\n":   "want either a section",
		"-- other --\n-- scene --\n":             `"other" is no section`,
		"-- policies/../x --\n-- scene --\n":     "is no section",
		"-- policies --\n-- scene --\n":          "is no section",
		"-- span --\nnow\n-- events.jsonl --\n":  "want two times, not 1 words",
		"-- span --\na b\n-- events.jsonl --\n":  "span: ",
		"-- incidents.jsonl --\n{\n-- scene --":  "incidents.jsonl line 1",
		"-- asked.jsonl --\n\n[]\n-- scene --\n": "asked.jsonl line 2",
		"\x1f\x8b":                               "unpack",
		strings.Repeat("x", maxLine+1):           "longer than",
	} {
		if _, err := Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: error %v, want %q", text, err, want)
		}
	}
	var out bytes.Buffer
	w := NewWriter(&out, "")
	w.Policy("own.rego", []byte("# fine\n-- scene --\n"))
	if err := w.Flush(); err == nil || !strings.Contains(err.Error(), "would begin another section") {
		t.Errorf("a rule that is a section is written: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("a comment\n-- salvor.yaml --\nclusters: []\n-- span --\n2026-01-05T09:00:00Z\n2026-01-05T10:00:00Z\n-- incidents.jsonl --\n{}\n" +
		"-- events.jsonl --\n{\"seq\":1,\"at\":\"2026-01-05T09:00:00Z\",\"id\":\"a\",\"source\":\"/s\",\"type\":\"t\",\"cluster\":\"c\",\"entity\":\"e\",\"time\":\"2026-01-05T09:00:00Z\",\"data\":{}}\n"))
	f.Add([]byte("-- scene --\ncluster a\n-- want --\n"))
	f.Add([]byte{0x1f, 0x8b, 8, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		file, err := Read(bytes.NewReader(raw))
		if err != nil || !file.Recorded() {
			return
		}
		for {
			ev, err := file.Event()
			if err != nil {
				return
			}
			line, err := json.Marshal(tell(ev))
			if err != nil {
				continue // its data is no JSON, which whoever decodes it finds out
			}
			again, ok := scanEvent(append(line, '\n'))
			if !ok {
				continue
			}
			if diff := cmp.Diff(tell(ev).recorded().ID, again.ID); diff != "" || again.Seq != ev.Seq || !again.At.Equal(ev.At) {
				t.Errorf("read %+v, again %+v", ev, again)
			}
		}
	})
}

// BenchmarkRead reads and folds a recording of alerts.
func BenchmarkRead(b *testing.B) {
	const alerts = 100_000
	var out bytes.Buffer
	w := NewWriter(&out, "")
	w.Config(configOf("act"))
	for i := range alerts {
		at := noon.Add(time.Duration(i) * 10 * time.Millisecond)
		name := fmt.Sprintf("node-%d", i%500)
		ev, err := events.New(fmt.Sprintf("alert/%d", i), events.TypeAlert, "/alertmanager", "prod", "alert/"+name, at, events.Alert{Name: "KubeNodeNotReady", Fingerprint: fmt.Sprintf("%016x", i%5000),
			Status: "firing", StartsAt: at, Labels: events.NewLabelSet(map[string]string{"alertname": "KubeNodeNotReady", "node": name, "severity": "warning", "cluster": "prod", "job": "kube-state-metrics"}),
			Annotations: events.NewLabelSet(map[string]string{"summary": "Node is not ready.", "description": name + " has been unready for more than 15 minutes.", "runbook_url": "https://runbooks.example.org/node"})})
		if err != nil {
			b.Fatal(err)
		}
		w.Event(events.Recorded{Event: ev, Seq: uint64(i + 1), At: at})
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(out.Len()))
	for b.Loop() {
		f, err := Read(bytes.NewReader(out.Bytes()))
		if err != nil {
			b.Fatal(err)
		}
		r, err := f.Check(b.Context(), nil)
		if err != nil || r.Events != alerts || len(r.Odd) > 0 {
			b.Fatalf("%v %+v", err, r)
		}
	}
	b.ReportMetric(alerts*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
