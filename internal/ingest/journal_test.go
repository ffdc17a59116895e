package ingest

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/salvor-io/salvor/events"
)

// journal is a Log and its dead letters, which can be told to fail.
type journal struct {
	appending func(context.Context, []events.Event) error // called before each Append, may be nil
	burying   func(context.Context) error                 // called before each DeadLetter, may be nil

	mu      sync.Mutex
	events  []events.Event
	letters []letter
	seen    map[string]bool
}

type letter struct {
	subject, reason string
	data            []byte
}

func (j *journal) Append(ctx context.Context, evs ...events.Event) ([]events.Receipt, error) {
	if j.appending != nil {
		if err := j.appending(ctx, evs); err != nil {
			return nil, err
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.seen == nil {
		j.seen = map[string]bool{}
	}
	receipts := make([]events.Receipt, len(evs))
	for i, ev := range evs {
		if err := ev.Validate(); err != nil {
			return nil, events.Permanent(err)
		}
		receipts[i].Duplicate = j.seen[ev.ID]
		if !j.seen[ev.ID] {
			j.seen[ev.ID] = true
			j.events = append(j.events, ev)
		}
	}
	return receipts, nil
}

func (j *journal) DeadLetter(ctx context.Context, subject, reason string, data []byte, _ map[string][]string) error {
	if j.burying != nil {
		if err := j.burying(ctx); err != nil {
			return err
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.letters = append(j.letters, letter{subject, reason, data})
	return nil
}

// holds copies what was kept so far.
func (j *journal) holds() ([]events.Event, []letter) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]events.Event(nil), j.events...), append([]letter(nil), j.letters...)
}

// The senders that the tests know.
const (
	prodToken     = "prod-token"     // bound to prod
	fleetToken    = "fleet-token"    // bound to prod and stage
	kindsToken    = "kinds-token"    // bound to prod and the kind node
	internalToken = "internal-token" // bound to prod, may send Salvor's own observations
)

func senders() []Credential {
	return []Credential{
		{Name: "prod", TokenSHA256: HashToken(prodToken), Clusters: []string{"prod"}},
		{Name: "fleet", TokenSHA256: HashToken(fleetToken), Clusters: []string{"prod", "stage"}},
		{Name: "kinds", TokenSHA256: HashToken(kindsToken), Clusters: []string{"prod"}, Kinds: []string{"node"}},
		{Name: "internal", TokenSHA256: HashToken(internalToken), Clusters: []string{"prod"}, Internal: true},
	}
}

// serving builds an intake over the journal and serves it.
func serving(t *testing.T, j *journal, change func(*Options)) *httptest.Server {
	t.Helper()
	opts := Options{Log: j, Dead: j, Logger: discard(), Credentials: senders()}
	if change != nil {
		change(&opts)
	}
	intake, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, intake)
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func serve(t *testing.T, intake *Intake) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	intake.Register(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// request is a post; empty fields take what is right for its path.
type request struct {
	method, path, token, media, body string
	header                           map[string]string
}

type answer struct {
	status int
	header http.Header
	Tally
	What string `json:"error"`
	Why  string `json:"why"`
	Do   string `json:"do"`
}

func (q request) send(t *testing.T, server *httptest.Server) answer {
	t.Helper()
	got, err := q.try(server)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (q request) try(server *httptest.Server) (answer, error) {
	r, err := http.NewRequest(or(q.method, http.MethodPost), server.URL+or(q.path, AlertmanagerPath), strings.NewReader(q.body))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Authorization", "Bearer "+or(q.token, prodToken))
	r.Header.Set("Content-Type", or(q.media, "application/json"))
	for name, value := range q.header {
		r.Header.Set(name, value)
		if value == "" {
			r.Header.Del(name)
		}
	}
	response, err := server.Client().Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	got := answer{status: response.StatusCode, header: response.Header}
	if r.Method != http.MethodHead {
		err = json.Unmarshal(body, &got)
	}
	return got, err
}

func or(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}

// hook is a webhook of the alerts given.
func hook(alerts ...string) string {
	return `{"version":"4","receiver":"salvor","alerts":[` + strings.Join(alerts, ",") + `]}`
}

// goodAlert names no cluster.
const goodAlert = `{"status":"firing","labels":{"alertname":"A"},"startsAt":"2026-03-01T10:00:00Z"}`

func alertOf(cluster string) string {
	return strings.Replace(goodAlert, `"A"`, `"A","cluster":"`+cluster+`"`, 1)
}

// goodEvent is a CloudEvent that names no cluster.
const goodEvent = `{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"a":1}}`

func eventWith(more string) string { return strings.TrimSuffix(goodEvent, "}") + "," + more + "}" }
