package api

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/people"
)

// listener reads a stream event by event.
type listener struct {
	t     *testing.T
	resp  *http.Response
	lines *bufio.Scanner
	id    string // of the last event or mark
}

func listen(t *testing.T, srv *httptest.Server, after string) *listener {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, srv.URL+"/v1/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer viewer")
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("stream: %s, %s", resp.Status, resp.Header.Get("Content-Type"))
	}
	l := &listener{t: t, resp: resp, lines: bufio.NewScanner(resp.Body)}
	l.mark()
	return l
}

// mark reads the id with which a stream begins.
func (l *listener) mark() {
	l.t.Helper()
	if !l.lines.Scan() || !strings.HasPrefix(l.lines.Text(), "id: ") {
		l.t.Fatalf("the stream begins with %q", l.lines.Text())
	}
	l.id = strings.TrimPrefix(l.lines.Text(), "id: ")
}

// next reads the next record, or returns false at the end of the stream.
func (l *listener) next() (Moved, bool) {
	l.t.Helper()
	var m Moved
	for l.lines.Scan() {
		name, value, _ := strings.Cut(l.lines.Text(), ": ")
		switch name {
		case "id":
			l.id = value
		case "data":
			if err := json.Unmarshal([]byte(value), &m); err != nil {
				l.t.Fatal(err)
			}
			return m, true
		}
	}
	return m, false
}

func note(t *testing.T, a *API, f *fleet, n int, text string) {
	a.Moved(f.add(t, n, incident.Record{Kind: incident.Noted, Text: text}))
}

func TestStreamFromNow(t *testing.T) {
	f := &fleet{}
	n := f.open(t, "prod-eu", "worker-1")
	a, srv := serve(t, f)
	l := listen(t, srv, "")
	if l.id != "1" {
		t.Errorf("the stream begins at %s, want 1", l.id)
	}
	note(t, a, f, n, "hello")
	got, _ := l.next()
	want := Moved{Name: f.incidents[n].Name(), Cluster: "prod-eu", Anchor: "node/worker-1", Record: recordOf(f.incidents[n].History[1])}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event differs (-want +got):\n%s", diff)
	}
	// An incident that opens while one listens is known by name, too.
	other := f.open(t, "prod-us", "worker-2")
	a.Moved(f.incidents[other].History[0])
	note(t, a, f, other, "there")
	for range 2 {
		if got, ok := l.next(); !ok || got.Cluster != "prod-us" || got.Anchor != "node/worker-2" {
			t.Errorf("of a new incident: %+v", got)
		}
	}
	a.EndStreams()
	if m, more := l.next(); more {
		t.Errorf("after the end: %+v", m)
	}
}

// TestStreamLosesNothing listens, over many connections, while records come: each arrives once and in order.
func TestStreamLosesNothing(t *testing.T) {
	const records = 400
	f := &fleet{}
	n := f.open(t, "prod-eu", "worker-1")
	a, srv := serve(t, f)
	go func() {
		for i := range records {
			note(t, a, f, n, fmt.Sprint(i))
		}
	}()
	last, connections := "1", 0
	for want := uint64(2); want <= records+1; connections++ {
		l := listen(t, srv, last)
		for range 50 {
			m, ok := l.next()
			if !ok {
				break // dropped for being slow: go on by id
			}
			if m.Record.Seq != want {
				t.Fatalf("record %d came, want %d", m.Record.Seq, want)
			}
			want++
			if want > records+1 {
				break
			}
		}
		last = l.id
		_ = l.resp.Body.Close()
	}
	if connections < 2 {
		t.Errorf("%d connections prove nothing", connections)
	}
}

// TestStreamSendsOnce holds that a record that is both in the history and still on its way is sent once.
func TestStreamSendsOnce(t *testing.T) {
	f := &fleet{}
	n := f.open(t, "prod-eu", "worker-1")
	late := f.add(t, n, incident.Record{Kind: incident.Noted, Text: "folded, but not told yet"})
	a, srv := serve(t, f)
	l := listen(t, srv, "1")
	first, _ := l.next()
	a.Moved(late)
	note(t, a, f, n, "next")
	second, _ := l.next()
	if got, want := [2]uint64{first.Record.Seq, second.Record.Seq}, [2]uint64{2, 3}; got != want {
		t.Errorf("sent %v, want %v", got, want)
	}
}

func TestHubDropsSlow(t *testing.T) {
	h := newHub()
	slow, _ := h.listen()
	quick, _ := h.listen()
	for i := range maxBehind + 1 {
		h.publish(incident.Sequenced{Seq: uint64(i + 1)})
		<-quick
	}
	got := 0
	for range slow {
		got++
	}
	if got != maxBehind {
		t.Errorf("a slow listener got %d records before it was dropped, want %d", got, maxBehind)
	}
	if len(h.listeners) != 1 {
		t.Errorf("%d listeners are left, want the quick one", len(h.listeners))
	}
	h.leave(slow) // once more does no harm
	h.leave(quick)
}

func TestStreamsAreBounded(t *testing.T) {
	a, srv := serve(t, &fleet{})
	var all []chan incident.Sequenced
	for range maxListeners {
		records, ok := a.hub.listen()
		if !ok {
			t.Fatal("refused too early")
		}
		all = append(all, records)
	}
	if r := call(t, srv, "viewer", "GET", "/v1/stream", ""); r.Status != http.StatusServiceUnavailable {
		t.Errorf("one too many: %d", r.Status)
	}
	a.hub.leave(all[0])
	listen(t, srv, "")
	a.EndStreams()
	if r := call(t, srv, "viewer", "GET", "/v1/stream", ""); r.Status != http.StatusServiceUnavailable {
		t.Errorf("after the end: %d", r.Status)
	}
}

// passing knows everybody until a time.
type passing struct{ until time.Time }

func (p passing) Identify(*http.Request) (people.Person, error) {
	if time.Now().Before(p.until) {
		return people.Person{Name: "ann", Role: people.Viewer}, nil
	}
	return people.Person{}, people.ErrUnknownToken
}

// patient is an answer whose client takes all.
type patient struct{ *httptest.ResponseRecorder }

func (patient) SetWriteDeadline(time.Time) error { return nil }

// TestStreamEndsWithTheToken: whoever is not known any more is told no more.
func TestStreamEndsWithTheToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		a := New(Options{People: passing{began.Add(time.Hour)}})
		w := patient{httptest.NewRecorder()}
		a.relay(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/stream", nil), &sse{w: w, control: http.NewResponseController(w)}, make(chan incident.Sequenced), names{})
		if lasted := time.Since(began); lasted < time.Hour || lasted > time.Hour+heartbeatEvery {
			t.Errorf("it lasted %s", lasted)
		}
	})
}
