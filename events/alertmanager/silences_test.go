package alertmanager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/events"
)

// members are the Alertmanagers of a test, by host: what each answers; "" is away.
type members struct {
	mu      sync.Mutex
	answers map[string]string
	asked   []string // hosts and tokens
}

func (m *members) say(host, answer string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers[host] = answer
}

func (m *members) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(time.Millisecond)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, r.URL.Host+r.URL.Path+" "+r.Header.Get("Authorization"))
	body := m.answers[r.URL.Host]
	if body == "" {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// ledger is a log that knows ids for 15 minutes, as the real one does.
type ledger struct {
	mu     sync.Mutex
	fails  bool
	events []events.Event
	ids    map[string]time.Time
}

func (l *ledger) Append(_ context.Context, evs ...events.Event) ([]events.Receipt, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fails {
		return nil, events.ErrUnavailable
	}
	receipts := make([]events.Receipt, len(evs))
	for i, ev := range evs {
		if err := ev.Validate(); err != nil {
			return nil, events.Permanent(err)
		}
		if at, known := l.ids[ev.ID]; known && time.Since(at) < 15*time.Minute {
			receipts[i].Duplicate = true
			continue
		}
		l.ids[ev.ID] = time.Now()
		l.events = append(l.events, ev)
	}
	return receipts, nil
}

func (l *ledger) fail(fails bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fails = fails
}

// silences are those recorded, as "id until end" or "id gone"; it forgets them.
func (l *ledger) silences(t *testing.T) []string {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	var rest []events.Event
	for _, ev := range l.events {
		if ev.Type != events.TypeSilence {
			rest = append(rest, ev)
			continue
		}
		var s events.Silence
		if err := ev.Decode(&s); err != nil || ev.Cluster != events.Fleet || ev.Entity != "silence/"+s.ID {
			t.Fatalf("%+v: %v", ev, err)
		}
		text := s.ID + " until " + s.EndsAt.Format("15:04")
		if s.Gone {
			text = s.ID + " gone"
		}
		out = append(out, text)
	}
	l.events = rest
	return out
}

func (l *ledger) observers(t *testing.T) []events.Observer {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []events.Observer
	for _, ev := range l.events {
		var o events.Observer
		if ev.Type == events.TypeObserver {
			if err := ev.Decode(&o); err != nil || strings.TrimSuffix(ev.Entity, "/again") != "observer/replica-1/silences" || ev.Cluster != events.Fleet {
				t.Fatalf("%+v: %v", ev, err)
			}
			out = append(out, o)
		}
	}
	l.events = nil
	return out
}

type view map[string]events.Silence

func (v view) KnownSilences() map[string]events.Silence { return v }

// one is a silence as Alertmanager's API writes it, changed at a minute of 12 o'clock, and ending at one of 13.
func one(id, state string, changed, ends int) string {
	return fmt.Sprintf(`{"id":%q,"status":{"state":%q},"updatedAt":"2026-03-01T12:%02d:00.000Z","comment":"disk","createdBy":"alice",
		"startsAt":"2026-03-01T12:00:00.000Z","endsAt":"2026-03-01T13:%02d:00.000Z",
		"matchers":[{"isEqual":true,"isRegex":false,"name":"node","value":"w1"},{"isEqual":false,"isRegex":true,"name":"job","value":"a|b"}]}`, id, state, changed, ends)
}

func all(silences ...string) string { return "[" + strings.Join(silences, ",") + "]" }

// watched makes a Silences over two members in a bubble of its own time, and gives what a test plays with: after(0) starts it.
func watched(t *testing.T, known view, play func(m *members, l *ledger, after func(time.Duration))) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := &members{answers: map[string]string{"a": all(), "b": all()}}
		l := &ledger{ids: map[string]time.Time{}}
		s, err := NewSilences(SilenceOptions{Targets: []Target{{URL: "http://a/", Token: "t"}, {URL: "http://b"}}, Replica: "replica-1", Log: l, View: known,
			Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		s.client.Transport = m
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		play(m, l, func(d time.Duration) {
			if d == 0 {
				go func() { ended <- s.Run(ctx) }()
			}
			time.Sleep(d + 10*time.Millisecond) // answers take one
			synctest.Wait()
		})
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run ended with %v", err)
		}
	})
}

func TestSilencesArePublishedOnChange(t *testing.T) {
	watched(t, nil, func(m *members, l *ledger, after func(time.Duration)) {
		want := func(why string, silences ...string) {
			t.Helper()
			if diff := cmp.Diff(silences, l.silences(t)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", why, diff)
			}
		}
		both := func(answer string) { m.say("a", answer); m.say("b", answer) }
		both(all(one("s1", "active", 1, 0), one("s2", "pending", 1, 0), one("s0", "expired", 1, 0)))
		after(0)
		want("the first poll", "s1 until 13:00", "s2 until 13:00")
		after(10 * pollEvery)
		want("nothing changed")
		both(all(one("s1", "active", 1, 0), one("s2", "active", 1, 0), one("s0", "expired", 1, 0)))
		after(pollEvery)
		want("what was pending is active")
		m.say("a", all(one("s1", "active", 2, 30), one("s2", "active", 1, 0)))
		after(pollEvery)
		want("one member knows of a change first", "s1 until 13:30")
		m.say("b", all(one("s1", "active", 2, 30), one("s2", "expired", 3, 0)))
		after(pollEvery)
		want("one member knows of an end first", "s2 gone")
		both(all(one("s1", "active", 2, 30)))
		after(pollEvery)
		want("what had ended is forgotten by Alertmanager")
		both(all())
		after(pollEvery)
		want("missing everywhere", "s1 gone")
		both(all(one("s1", "active", 2, 30)))
		after(pollEvery)
		want("back unchanged within the log's memory", "s1 until 13:30")
		both(all())
		after(pollEvery)
		want("missing again", "s1 gone")
	})
}

func TestAlertmanagerThatIsAwayChangesNothing(t *testing.T) {
	watched(t, nil, func(m *members, l *ledger, after func(time.Duration)) {
		m.say("a", all(one("s1", "active", 1, 0)))
		after(0)
		if got := l.silences(t); len(got) != 1 {
			t.Fatalf("published %v, want one: the other member does not know of it yet", got)
		}
		for name, answers := range map[string][2]string{
			"one away":             {"", all()},
			"both away":            {"", ""},
			"one without a list":   {"{}", all()},
			"one with a cut list":  {"[", all()},
			"one says null":        {"null", all()},
			"one with an odd item": {all(`{"id":"s1"}`), all()},
		} {
			m.say("a", answers[0])
			m.say("b", answers[1])
			after(3 * pollEvery)
			if got := l.silences(t); len(got) != 0 {
				t.Errorf("%s: published %v", name, got)
			}
		}
		m.say("a", "")
		m.say("b", all(one("s3", "active", 1, 0), one("s1", "expired", 4, 0)))
		after(pollEvery)
		if diff := cmp.Diff([]string{"s1 gone", "s3 until 13:00"}, l.silences(t)); diff != "" {
			t.Errorf("what the other says is not taken (-want +got):\n%s", diff)
		}
	})
}

func TestSilencesOfAnEarlierLife(t *testing.T) {
	read := func(text string) events.Silence { return readSilences([]byte(all(text))).silences[0].Silence }
	over, same, longer := read(one("over", "active", 1, 0)), read(one("same", "active", 1, 0)), read(one("longer", "active", 1, 0))
	past := over
	past.ID, past.Gone = "past", true
	known := view{"over": over, "same": same, "longer": longer, "past": past}
	watched(t, known, func(m *members, l *ledger, after func(time.Duration)) {
		answer := all(one("same", "active", 1, 0), one("longer", "active", 9, 45))
		m.say("a", answer)
		m.say("b", answer)
		after(0)
		if diff := cmp.Diff([]string{"longer until 13:45", "over gone"}, l.silences(t)); diff != "" {
			t.Errorf("published (-want +got):\n%s", diff)
		}
	})
}

func TestWhatTheLogRefusedIsTriedAgain(t *testing.T) {
	watched(t, nil, func(m *members, l *ledger, after func(time.Duration)) {
		l.fail(true)
		m.say("b", all(one("s1", "active", 1, 0)))
		after(0)
		after(pollEvery)
		l.fail(false)
		after(pollEvery)
		if got := l.silences(t); len(got) != 1 {
			t.Errorf("published %v, want the silence once", got)
		}
	})
}

func TestSightOfSilences(t *testing.T) {
	watched(t, nil, func(m *members, l *ledger, after func(time.Duration)) {
		after(0)
		got := l.observers(t)
		if len(got) != 2 || got[0].Seeing || got[0].Synced || !got[1].Seeing || !got[1].Synced || got[1].Watch != "silences" {
			t.Fatalf("at first %+v, want blind and then seeing", got)
		}
		after(time.Minute)
		if got = l.observers(t); len(got) < 7 || len(got) > 8 {
			t.Errorf("%d reports in a minute, want one each 8 s", len(got))
		}
		m.say("a", "")
		after(time.Minute)
		for _, o := range l.observers(t) {
			if !o.Seeing {
				t.Errorf("with one of two away it says %+v", o)
			}
		}
		m.say("b", "")
		after(pollEvery + time.Millisecond)
		got = l.observers(t)
		if last := got[len(got)-1]; last.Seeing || !last.Synced || !strings.Contains(last.Reason, "connection refused") {
			t.Errorf("with both away it says %+v", last)
		}
		if want := "a/api/v2/silences Bearer t"; m.asked[0] != want && m.asked[1] != want || len(m.asked) == 0 {
			t.Errorf("asked %v, want the token sent to the one it is for", m.asked[:2])
		}
	})
}

func TestReadSilences(t *testing.T) {
	got := readSilences([]byte(all(one("s1", "active", 5, 0))))
	if got.err != nil || len(got.silences) != 1 {
		t.Fatalf("got %+v", got)
	}
	want := events.Silence{ID: "s1", CreatedBy: "alice", Comment: "disk", StartsAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		EndsAt: time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC), Matchers: []events.Matcher{{Name: "node", Value: "w1"}, {Name: "job", Value: "a|b", Regex: true, Not: true}}}
	if diff := cmp.Diff(want, got.silences[0].Silence); diff != "" {
		t.Errorf("silence (-want +got):\n%s", diff)
	}
	with := func(old, now string) string { return strings.Replace(one("s1", "active", 5, 0), old, now, 1) }
	for name, text := range map[string]string{
		"null": "null", "text": `"s1"`, "no id": with(`"s1"`, `""`), "long id": with(`"s1"`, `"`+strings.Repeat("i", 999)+`"`), "state": with("active", "odd"),
		"id is a number": with(`"s1"`, `7`), "no end": with("endsAt", "ends"), "end is no time": with("2026-03-01T13:00:00.000Z", "soon"),
		"no matchers": with("matchers", "matcher"), "nameless matcher": with(`"node"`, `""`), "broken expression": with(`"a|b"`, `"("`),
		"long value": with(`"w1"`, `"`+strings.Repeat("v", maxPattern+1)+`"`),
	} {
		if got := readSilences([]byte(all(text, one("s2", "active", 5, 0)))); got.err != nil || len(got.odd) != 1 || len(got.silences) != 1 {
			t.Errorf("%s: got %+v, want it to cost itself alone", name, got)
		}
	}
	if got := readSilences([]byte(all(with(`"isEqual":true,`, "")))); got.silences[0].Matchers[0].Not {
		t.Error("a matcher of an old Alertmanager was turned round")
	}
	if got := begin(strings.Repeat("ä", maxComment)); len(got) > maxComment || !json.Valid([]byte(`"`+got+`"`)) || strings.Contains(got, "\ufffd") {
		t.Errorf("a long comment was cut to %d bytes", len(got))
	}
}

func TestNewSilencesNeedsAll(t *testing.T) {
	full := SilenceOptions{Targets: []Target{{URL: "http://a"}}, Replica: "r", Log: &ledger{}, View: view{}, Logger: slog.New(slog.DiscardHandler)}
	if _, err := NewSilences(full); err != nil {
		t.Fatal(err)
	}
	for i, spoil := range []func(*SilenceOptions){
		func(o *SilenceOptions) { o.Targets = nil }, func(o *SilenceOptions) { o.Replica = "" }, func(o *SilenceOptions) { o.Log = nil },
		func(o *SilenceOptions) { o.View = nil }, func(o *SilenceOptions) { o.Logger = nil },
	} {
		bad := full
		spoil(&bad)
		if _, err := NewSilences(bad); err == nil {
			t.Errorf("case %d is taken", i)
		}
	}
}

func FuzzReadSilences(f *testing.F) {
	f.Add([]byte(all(one("s1", "active", 5, 0), one("s2", "expired", 6, 7), `{}`, `null`)))
	f.Add([]byte(`[{"id":"../..","matchers":[{"name":"\u0000","value":"(a+)+$","isRegex":true}]}]`))
	f.Add([]byte(`{"status":"error"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got := readSilences(body)
		if got.err != nil && len(got.silences)+len(got.odd) > 0 {
			t.Fatalf("error %v beside silences", got.err)
		}
		for _, s := range got.silences {
			ev, err := change{next: kept{Silence: s.Silence, updated: s.updated}, state: s.state, again: true}.event(time.Unix(1, 0))
			if err != nil && len(ev.Data) <= events.MaxData && !strings.Contains(err.Error(), "year") {
				t.Errorf("%q cannot be an event: %v", s.ID, err)
			}
		}
	})
}
