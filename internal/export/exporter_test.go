package export

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/replay"
)

var errMissing = errors.New("not there")

// shelf stands in for all that is read.
type shelf struct {
	log       []events.Recorded
	broken    error // what following the log ends with
	incidents []incident.Incident
	docs      map[string]string
	unread    error
	rules     string // the directory of the rules in force, "" being none
}

func (s *shelf) Follow(ctx context.Context, _ uint64, fold func(events.Recorded) error, caughtUp func()) error {
	for _, ev := range s.log {
		if err := fold(ev); err != nil {
			return err
		}
	}
	if s.broken != nil {
		return s.broken
	}
	caughtUp()
	<-ctx.Done()
	return nil
}

func (s *shelf) Since(context.Context, time.Time) ([]incident.Incident, error) {
	return s.incidents, nil
}

func (s *shelf) Written(context.Context) (fs.FS, error) {
	if s.rules == "" {
		return nil, s.unread
	}
	return os.DirFS(s.rules), s.unread
}

func (s *shelf) ReadDecision(_ context.Context, ref string) (json.RawMessage, error) {
	if doc, ok := s.docs[ref]; ok {
		return json.RawMessage(doc), s.unread
	}
	return nil, errors.Join(errMissing, s.unread)
}

func exporter(t *testing.T, s *shelf, extra string) *Exporter {
	t.Helper()
	cfg, err := config.Parse("salvor.yaml", []byte("clusters: [{name: prod, observe: {in_cluster: true}}]\n"+extra))
	if err != nil {
		t.Fatal(err)
	}
	return New(Options{Log: s, Past: s, Decisions: s, Missing: errMissing, Config: cfg, Rules: s, Version: "v1", Clock: func() time.Time { return at(100) }})
}

func decided(ref, text string, seconds float64) incident.Sequenced {
	return incident.Sequenced{Record: incident.Record{Kind: incident.Decided, At: at(seconds), ViewSeq: 2, Text: text, Decided: &incident.Decision{Asked: incident.Asked{Ref: ref}}}}
}

// TestExport: what it holds is what was recorded until the end of the span, and what judges.
func TestExport(t *testing.T) {
	rules := t.TempDir()
	if err := os.WriteFile(filepath.Join(rules, "own.rego"), []byte("package salvor.policies.own"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &shelf{log: []events.Recorded{seen(1, at(0), events.TypeNode, events.Node{}), seen(3, at(5), events.TypeNode, events.Node{}), seen(4, at(80), events.TypeNode, events.Node{})},
		incidents: []incident.Incident{{History: []incident.Sequenced{decided("a", "first", 4), decided("b", "gone", 4), decided("a", "late", 81)}}}, docs: map[string]string{"a": `{"x":1}`}, rules: rules}
	var out bytes.Buffer
	if err := exporter(t, s, "").Export(t.Context(), &out, at(4), at(10)); err != nil {
		t.Fatal(err)
	}
	f, err := replay.Read(bytes.NewReader(out.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	var got []events.Recorded
	for ev, err := f.Event(); !errors.Is(err, io.EOF); ev, err = f.Event() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, ev)
	}
	if text := strings.Join(told(got), ", "); text != "1 0 node, 2 4 tick*, 3 5 node" {
		t.Errorf("events %s", text)
	}
	own, err := f.Folder("policies")
	if err != nil || own == nil || len(f.Incidents) != 2 || len(f.Asked) != 1 || !f.From.Equal(at(4)) || !f.To.Equal(at(10)) {
		t.Errorf("%v, %v, %+v", err, own, f)
	}
	for _, want := range []string{"Salvor v1 recorded from 2026-04-01 06:00:04 UTC to 2026-04-01 06:00:10 UTC", "1 events of the span are here. 1 are not kept"} {
		if !strings.Contains(f.Comment, want) {
			t.Errorf("the comment lacks %q:\n%s", want, f.Comment)
		}
	}
}

// TestExportThatFails: nothing is written before all but the events was read, and a whole file is never claimed.
func TestExportThatFails(t *testing.T) {
	long := &shelf{incidents: []incident.Incident{{History: []incident.Sequenced{decided("a", strings.Repeat("x", replay.MaxSection), 1)}}}}
	var refused *api.Refusal
	var out bytes.Buffer
	if err := exporter(t, long, "").Export(t.Context(), &out, at(0), at(10)); !errors.As(err, &refused) || refused.Status != http.StatusRequestEntityTooLarge || out.Len() > 0 {
		t.Errorf("too much: %v, %d bytes", err, out.Len())
	}
	away := errors.New("the store is away")
	for name, s := range map[string]*shelf{"log": {broken: away}, "decisions": {incidents: []incident.Incident{{History: []incident.Sequenced{decided("a", "", 1)}}}, docs: map[string]string{"a": "{}"}, unread: away}} {
		if err := exporter(t, s, "").Export(t.Context(), &out, at(0), at(10)); !errors.Is(err, away) || out.Len() > 0 {
			t.Errorf("%s: %v, %d bytes", name, err, out.Len())
		}
	}
	if err := exporter(t, &shelf{rules: filepath.Join(t.TempDir(), "none")}, "").Export(t.Context(), &out, at(0), at(10)); err == nil {
		t.Error("rules that cannot be read are left out")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := exporter(t, &shelf{}, "").Export(ctx, &out, at(0), at(10)); !errors.Is(err, context.Canceled) {
		t.Errorf("a client that is gone: %v", err)
	}
	full := &shelf{log: []events.Recorded{seen(1, at(1), events.TypeNode, events.Node{Annotations: map[string]string{"x": strings.Repeat("y", 200<<10)}})}}
	if err := exporter(t, full, "").Export(t.Context(), gone{}, at(0), at(10)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a client that takes nothing: %v", err)
	}
}

// gone is a client that is gone.
type gone struct{}

func (gone) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
