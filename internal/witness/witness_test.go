package witness

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/events/probe"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/ingest"
)

// salvor is a real intake over a log in memory.
type salvor struct {
	http.Handler
	mu      sync.Mutex
	away    bool
	posts   int
	probes  []events.Probe
	letters []string
	heard   chan struct{} // takes one for each event
}

func newSalvor(t *testing.T) *salvor {
	t.Helper()
	s := &salvor{heard: make(chan struct{}, 1000)}
	intake, err := ingest.New(ingest.Options{Log: s, Dead: s, Logger: slog.New(slog.DiscardHandler), Credentials: []ingest.Credential{
		{Name: "w", TokenSHA256: ingest.HashToken("secret"), Clusters: []string{"prod", "lab"}, Witness: "w-us"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	intake.Register(mux)
	s.Handler = mux
	return s
}

func (s *salvor) Append(_ context.Context, evs ...events.Event) ([]events.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posts++
	if s.away {
		return nil, events.ErrUnavailable
	}
	for _, ev := range evs {
		p, err := probe.Read(ev.Data)
		if err != nil || ev.Type != events.TypeProbe {
			return nil, events.Permanent(errors.Join(err, errors.New("no probe")))
		}
		s.probes = append(s.probes, p)
		s.heard <- struct{}{}
	}
	return make([]events.Receipt, len(evs)), nil
}

func (s *salvor) DeadLetter(_ context.Context, _, reason string, _ []byte, _ map[string][]string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.letters = append(s.letters, reason)
	return nil
}

func (s *salvor) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, p := range s.probes {
		out = append(out, fmt.Sprintf("%s of %s up %v witness %v", p.Target, p.By, p.Up, p.Witness))
	}
	return strings.Join(append(out, s.letters...), "; ")
}

// files writes files into a folder and returns their paths.
func files(t *testing.T, all map[string][]byte) func(string) string {
	t.Helper()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, data := range all {
		if err := os.WriteFile(at(name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return at
}

func certificate(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

// TestAWitnessReportsToAnIntake runs a witness between a server that stands for an API server and real intakes, one of which is away.
func TestAWitnessReportsToAnIntake(t *testing.T) {
	var agents sync.Map
	api := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agents.Store(r.UserAgent()+" "+r.Header.Get("Authorization"), true)
		if r.URL.Path == "/readyz/etcd" {
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprintln(w, "internal server error: etcd failed: no leader")
		}
	}))
	defer api.Close()
	heard := newSalvor(t)
	up := httptest.NewTLSServer(heard)
	defer up.Close()
	down := httptest.NewTLSServer(heard)
	gone := down.URL
	down.Close()
	at := files(t, map[string][]byte{"api.crt": certificate(api), "salvor.crt": certificate(up), "token": []byte("secret\n"), "kube.token": []byte("eyes")})
	w, err := New(&config.Witness{Name: "w-us", Salvor: config.Salvor{URLs: []string{gone, up.URL + "/"}, CAFile: at("salvor.crt"), TokenFile: at("token")},
		Clusters: []config.WitnessCluster{{Name: "prod", Server: api.URL, CAFile: at("api.crt"), TokenFile: at("kube.token")}}}, "1.2", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	for range 2 {
		select {
		case <-heard.heard:
		case <-ctx.Done():
			t.Fatalf("only heard %q", heard.said())
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, want := range []string{"apiserver of w-us up true witness true", "etcd of w-us up false witness true"} {
		if got := heard.said(); !strings.Contains(got, want) {
			t.Errorf("heard %q, want %q", got, want)
		}
	}
	if _, ok := agents.Load("salvor-witness/1.2 Bearer eyes"); !ok {
		t.Error("the API server does not know who asked")
	}
}

// direct hands requests to a handler without a network, or fails.
type direct struct {
	to   map[string]http.Handler
	seen []string
	sent [][]byte
}

func (d *direct) RoundTrip(r *http.Request) (*http.Response, error) {
	d.seen = append(d.seen, r.URL.Host)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	d.sent = append(d.sent, body)
	to, ok := d.to[r.URL.Host]
	if !ok {
		<-r.Context().Done() // it swallows all
		return nil, r.Context().Err()
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	r.Header.Set("Authorization", "Bearer secret")
	rec := httptest.NewRecorder()
	to.ServeHTTP(rec, r)
	return rec.Result(), nil
}

// courierTo is a courier without a network, to hosts of the names given.
func courierTo(t *testing.T, way *direct, hosts ...string) *courier {
	t.Helper()
	c := &courier{box: newOutbox(), way: way, log: slog.New(slog.DiscardHandler)}
	for _, host := range hosts {
		c.urls = append(c.urls, "https://"+host+ingest.EventsPath)
	}
	return c
}

func report(t *testing.T, c *courier, cluster, target string, up bool) {
	t.Helper()
	now := time.Now()
	p := events.Probe{By: "w-us", Witness: true, Target: target, Up: up}
	if !up {
		p.Reason = "connection refused"
	}
	ev, err := events.New(fmt.Sprintf("probe/%s/w-us/%s/%d", cluster, target, now.UnixNano()), events.TypeProbe, "/w", cluster, probe.Entity("w-us", target), now, p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.box.Append(t.Context(), ev); err != nil {
		t.Fatal(err)
	}
}

// running runs a courier for the time of what is done.
func running(t *testing.T, c *courier, do func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); c.run(ctx) }()
	do()
	cancel()
	<-done
}

func TestOnlyTheNewestIsKeptWhileSalvorIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		heard := newSalvor(t)
		heard.away = true
		c := courierTo(t, &direct{to: map[string]http.Handler{"a": heard}}, "a")
		running(t, c, func() {
			report(t, c, "lab", probe.TargetEtcd, true) // stale by the time that Salvor is back
			time.Sleep(20 * time.Second)
			report(t, c, "prod", probe.TargetAPIServer, true)
			report(t, c, "prod", probe.TargetEtcd, true)
			time.Sleep(time.Second)
			report(t, c, "prod", probe.TargetAPIServer, false)
			time.Sleep(time.Second)
			heard.mu.Lock()
			heard.away = false
			heard.mu.Unlock()
			time.Sleep(8 * time.Second)
		})
		if got, want := heard.said(), "etcd of w-us up true witness true; apiserver of w-us up false witness true"; got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
		if heard.posts > 20 {
			t.Errorf("%d posts in half a minute", heard.posts)
		}
	})
}

func TestNothingStaleIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		heard := newSalvor(t)
		heard.away = true
		c := courierTo(t, &direct{to: map[string]http.Handler{"a": heard}}, "a")
		running(t, c, func() {
			report(t, c, "prod", probe.TargetAPIServer, true)
			time.Sleep(probe.Worth + time.Second)
			heard.mu.Lock()
			heard.away = false
			heard.mu.Unlock()
			time.Sleep(time.Minute)
		})
		if got := heard.said(); got != "" || len(c.box.pending) > 0 {
			t.Errorf("heard %q, %d wait", got, len(c.box.pending))
		}
	})
}

func TestAnyThatTakesItWillDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		heard := newSalvor(t)
		refusing := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
		redirecting := http.RedirectHandler("https://c"+ingest.EventsPath, http.StatusTemporaryRedirect)
		way := &direct{to: map[string]http.Handler{"a": refusing, "b": redirecting, "c": heard}}
		c := courierTo(t, way, "silent", "a", "b", "c")
		running(t, c, func() {
			report(t, c, "prod", probe.TargetAPIServer, true)
			time.Sleep(5 * time.Second)
			report(t, c, "prod", probe.TargetAPIServer, true)
			time.Sleep(5 * time.Second)
		})
		if got, want := strings.Join(way.seen, " "), "silent a b c c"; got != want {
			t.Errorf("went to %q, want %q", got, want)
		}
		if len(heard.probes) != 2 {
			t.Errorf("heard %q", heard.said())
		}
		var batch []map[string]any
		if err := json.Unmarshal(way.sent[0], &batch); err != nil || batch[0]["specversion"] != "1.0" || batch[0]["cluster"] != "prod" || batch[0]["time"] == nil {
			t.Errorf("sent %s, %v", way.sent[0], err)
		}
	})
}

func TestWhatCameMeanwhileIsKept(t *testing.T) {
	c := courierTo(t, nil)
	report(t, c, "prod", probe.TargetEtcd, true)
	sent, _ := c.box.fresh(time.Now())
	report(t, c, "prod", probe.TargetEtcd, false)
	c.box.taken(sent)
	if left, _ := c.box.fresh(time.Now()); len(left) != 1 || left[0].ID == sent[0].ID {
		t.Errorf("%d are left", len(left))
	}
}

func TestNewRefusesFilesThatCannotBeRead(t *testing.T) {
	well := func() *config.Witness {
		return &config.Witness{Name: "w", Salvor: config.Salvor{URLs: []string{"https://s"}}, Clusters: []config.WitnessCluster{{Name: "c", Server: "https://a"}}}
	}
	for name, change := range map[string]func(*config.Witness){
		"ca of Salvor":    func(w *config.Witness) { w.Salvor.CAFile = "none" },
		"certificate":     func(w *config.Witness) { w.Salvor.CertFile, w.Salvor.KeyFile = "none", "none" },
		"ca of a cluster": func(w *config.Witness) { w.Clusters[0].CAFile = "none" },
		"ca of etcd": func(w *config.Witness) {
			w.Clusters[0].Etcd = &config.Etcd{Endpoints: []string{"https://e"}, CAFile: "none"}
		},
	} {
		cfg := well()
		change(cfg)
		if _, err := New(cfg, "1", slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := New(well(), "1", slog.New(slog.DiscardHandler)); err != nil {
		t.Error(err)
	}
}

// TestWhatNobodyHeardIsNew: a repeat of what was dropped, or still waits, says it anew; one of what was taken does not.
func TestWhatNobodyHeardIsNew(t *testing.T) {
	box, now := newOutbox(), time.Now()
	entity := probe.Entity("w-us", probe.TargetAPIServer)
	put := func(id, entity string, age time.Duration) []events.Event {
		t.Helper()
		if _, err := box.Append(t.Context(), events.Event{ID: id, Cluster: "prod", Entity: entity, Time: now.Add(-age)}); err != nil {
			t.Fatal(err)
		}
		evs, _ := box.fresh(now)
		return evs
	}
	if evs := put("1", entity, probe.Worth+time.Second); len(evs) != 0 {
		t.Fatalf("sends %+v", evs)
	}
	for _, c := range []struct{ id, want string }{{"2", entity}, {"3", entity}} {
		if evs := put(c.id, events.Again(entity), 0); len(evs) != 1 || evs[0].ID != c.id || evs[0].Entity != c.want {
			t.Fatalf("sends %+v, want one of %s", evs, c.want)
		}
	}
	evs, _ := box.fresh(now)
	box.taken(evs)
	if evs := put("4", events.Again(entity), 0); len(evs) != 1 || evs[0].Entity != events.Again(entity) {
		t.Errorf("sends %+v, want a repeat", evs)
	}
}
