package chronicle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/policies"
)

// store keeps trails and pauses in memory.
type store struct {
	mu     sync.Mutex
	trails map[string][]ledger.Placed
	pauses []policies.Pause
	away   error  // of the trails
	before func() // called before an entry is appended
}

func newStore() *store { return &store{trails: map[string][]ledger.Placed{}, before: func() {}} }

func (s *store) Trail(_ context.Context, trail string) ([]ledger.Placed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.trails[trail]), s.away
}

func (s *store) AppendTrail(_ context.Context, trail string, after uint64, e ledger.TrailEntry) (ledger.Placed, error) {
	s.before()
	s.mu.Lock()
	defer s.mu.Unlock()
	if uint64(len(s.trails[trail])) != after {
		return ledger.Placed{}, ledger.ErrLost
	}
	placed := ledger.Placed{TrailEntry: e, Seq: after + 1}
	s.trails[trail] = append(s.trails[trail], placed)
	return placed, s.away
}

func (s *store) Pauses(context.Context) ([]policies.Pause, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ledger.InForce(s.pauses, time.Now()), nil
}

func (s *store) SetPause(_ context.Context, p policies.Pause) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pauses = append(slices.DeleteFunc(s.pauses, func(k policies.Pause) bool { return place(k) == place(p) }), p)
	return nil
}

func (s *store) EndPause(_ context.Context, scope policies.Pause) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.pauses)
	if s.pauses = slices.DeleteFunc(s.pauses, func(k policies.Pause) bool { return place(k) == place(scope) }); len(s.pauses) == n {
		return ledger.ErrNotFound
	}
	return nil
}

// said are the entries of a trail: kind, who and text.
func (s *store) said(trail string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, e := range s.trails[trail] {
		out = append(out, fmt.Sprintf("%s %s: %s", e.Kind, e.Who, e.Text))
	}
	return out
}

func (s *store) keep(t *testing.T, replica string, now State) {
	t.Helper()
	if err := Keep(t.Context(), s, replica, now, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
}

func TestChangesAreRecordedOnce(t *testing.T) {
	s := newStore()
	first := State{"clusters.a.modes.node": "observe", "people.ann.role": "viewer", "limits.attempts": "3", "limits.flaps": "3", "times.retry": "15s", "times.healthy": "2m"}
	s.keep(t, "one", first)
	s.keep(t, "two", first)
	second := State{"clusters.a.modes.node": "act", "people.ann.role": "viewer", "people.bob.role": "admin", "limits.attempts": "4", "limits.flaps": "3", "times.retry": "15s"}
	s.before = func() {
		s.before = func() {}
		s.keep(t, "two", second)
	}
	s.keep(t, "one", second)
	want := []string{
		"mode one: clusters.a.modes.node is observe",
		"people one: people.ann.role is viewer",
		"config one: limits.attempts is 3; limits.flaps is 3; times.healthy is 2m; and 1 more",
		"mode two: clusters.a.modes.node is act, was observe",
		"people two: people.bob.role is admin",
		"config two: limits.attempts is 4, was 3; times.healthy is not set any more, was 2m",
	}
	if diff := cmp.Diff(want, s.said("config")); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if got, err := known(s.trails["config"]); err != nil || !cmp.Equal(got, second) {
		t.Errorf("they lead to %v, %v", got, err)
	}
}

// A configuration of any size is recorded, in entries that the store takes.
func TestManyChanges(t *testing.T) {
	s, large := newStore(), State{}
	for n := range 350 {
		large.put(fmt.Sprintf("alerts.%03d.match", n), strings.Repeat("x", n))
	}
	s.keep(t, "one", large)
	for _, e := range s.trails["config"] {
		if len(e.Detail) > 2*entryBytes {
			t.Errorf("entry %d has %d bytes", e.Seq, len(e.Detail))
		}
	}
	if got, err := known(s.trails["config"]); err != nil || !cmp.Equal(got, large) || len(s.trails["config"]) < 4 {
		t.Errorf("%d entries lead to %d settings, %v", len(s.trails["config"]), len(got), err)
	}
}

func TestChangesAreRecordedOnceTheStoreIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		s.away = errors.New("away")
		time.AfterFunc(time.Minute, func() { s.mu.Lock(); s.away = nil; s.mu.Unlock() })
		s.keep(t, "one", State{"limits.attempts": "3"})
		if got := s.said("config"); len(got) != 1 {
			t.Errorf("entries %q", got)
		}
	})
}

func TestStateOf(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("rules/a.rego", "package a")
	cfg := &config.Config{DataDir: "/data", NATS: config.NATS{URL: "nats://user:secret@x"}, Policies: config.Policies{Dir: filepath.Join(dir, "rules")},
		Clusters: []config.Cluster{{Name: "prod", Environment: "production", Act: &config.Act{Kubeconfig: "/k"}, Modes: map[classifiers.Kind]policies.Mode{"node": policies.ModeAct},
			LeaseStaleAfter: 25 * time.Second, Power: &config.Power{HTTP: &config.PowerHTTP{URL: "https://user:secret@x/{node}", TokenFile: write("power", "secret")}}}},
		People: []config.Person{{Name: "ann", Role: people.Operator, Groups: []string{"sre", "db"}, TokenFile: write("ann", "secret")}}}
	state := StateOf(cfg)
	for what, want := range map[string]string{"clusters.prod.modes.node": "act", "clusters.prod.lease_stale_after": "25s", "clusters.prod.environment": "production",
		"people.ann.role": "operator", "people.ann.groups": "sre, db", "limits.attempts": "0", "policies.dir": cfg.Policies.Dir, "clusters.prod.sole_repairer": "", "people.ann.name": ""} {
		if state[what] != want {
			t.Errorf("%s is %q, want %q", what, state[what], want)
		}
	}
	for what, text := range state {
		if strings.Contains(text, "secret") || strings.Contains(text, "user") || strings.HasPrefix(what, "nats") || strings.HasPrefix(what, "data") {
			t.Errorf("%s is %q", what, text)
		}
	}
	write("ann", "another secret")
	write("rules/a.rego", "package b")
	cfg.Clusters[0].Act = nil
	var changed []string
	for _, c := range state.changes(StateOf(cfg)) {
		changed = append(changed, c.What)
	}
	if diff := cmp.Diff([]string{"clusters.prod.act.kubeconfig", "people.ann.token", "policies.content"}, changed); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
}

func TestPausesAreRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		p := NewPauses(s, s, slog.New(slog.DiscardHandler))
		other := NewPauses(s, s, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		for _, one := range []*Pauses{p, other} {
			go func() { _ = one.Run(ctx) }()
		}
		pause := func(kind string) policies.Pause {
			return policies.Pause{Cluster: "prod", Kind: kind, Owner: "ann", Reason: "moving", Since: time.Now().UTC(), Until: time.Now().UTC().Add(time.Hour)}
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		said := func(want ...string) {
			t.Helper()
			time.Sleep(2*lookEvery + time.Second)
			if diff := cmp.Diff(want, s.said("pauses")); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
		}
		must(p.SetPause(ctx, pause("node")))
		must(p.EndPause(ctx, policies.Pause{Cluster: "prod", Kind: "node", Owner: "bob"}))
		want := []string{"pause ann: ann paused cluster prod, kind node until 2000-01-01T01:00:00Z: moving", "resume bob: bob ended the pause of cluster prod, kind node"}
		said(want...)
		// What cannot be recorded holds, and is made up for.
		s.away = errors.New("away")
		must(p.SetPause(ctx, pause("zone")))
		if now, _ := p.Pauses(ctx); len(now) != 1 {
			t.Errorf("paused are %+v", now)
		}
		s.mu.Lock()
		s.trails["pauses"] = s.trails["pauses"][:2]
		s.away = nil
		s.mu.Unlock()
		want = append(want, "pause ann: ann paused cluster prod, kind zone until 2000-01-01T01:01:01Z: moving")
		said(want...)
		must(s.EndPause(ctx, pause("zone"))) // whoever did is dead
		want = append(want, "resume somebody: somebody ended the pause of cluster prod, kind zone")
		said(want...)
		must(p.SetPause(ctx, pause("region")))
		time.Sleep(2 * time.Hour) // it ends by its time
		want = append(want, "pause ann: ann paused cluster prod, kind region until 2000-01-01T01:03:03Z: moving")
		said(want...)
	})
}
