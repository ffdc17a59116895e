package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/policies/rego"
)

// The rules of the tests, from strict to loose.
const (
	denies = "package salvor.policies.own\n\ndeny contains \"never\"\n"
	asks   = "package salvor.policies.own\n\nask contains {\"reason\": \"look\", \"groups\": [\"sre\"]}\n"
	acts   = "package salvor.policies.own\n\nact contains \"always\"\n"
	broken = "package salvor.policies.own\n\nact contains\n"

	endless = "package salvor.policies.own\n\ndeny contains \"never\" if {\n\tcount([1 | some i in numbers.range(1, 1000000000); i > 3]) > 7\n}\n"
)

// books stands in for the ledger: a trail, packs and decisions.
type books struct {
	mu      sync.Mutex
	trail   []ledger.Placed
	packs   map[string][]byte
	decided []json.RawMessage
	away    error  // what every call says
	dies    string // the call after which nothing answers any more
	rival   func() // called once, before an entry is appended
}

func newBooks() *books { return &books{packs: map[string][]byte{}} }

func (b *books) died(call string) error {
	if b.dies == call {
		b.dies, b.away = "", errAway
	}
	return b.away
}

func (b *books) AppendTrail(_ context.Context, _ string, after uint64, e ledger.TrailEntry) (ledger.Placed, error) {
	if rival := b.rival; rival != nil {
		b.rival = nil
		rival()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if after != uint64(len(b.trail)) {
		return ledger.Placed{}, fmt.Errorf("append: %w", ledger.ErrLost)
	}
	if b.away != nil {
		return ledger.Placed{}, b.away
	}
	b.trail = append(b.trail, ledger.Placed{TrailEntry: e, Seq: after + 1})
	return b.trail[after], b.died("append")
}

func (b *books) Trail(context.Context, string) ([]ledger.Placed, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]ledger.Placed(nil), b.trail...), b.away
}

func (b *books) TrailEnd(context.Context, string) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return uint64(len(b.trail)), b.away
}

func (b *books) StorePolicy(_ context.Context, revision string, pack []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.packs[revision] = pack
	return b.died("store")
}

func (b *books) Policy(_ context.Context, revision string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if pack, ok := b.packs[revision]; ok {
		return pack, b.away
	}
	return nil, errors.Join(b.away, ledger.ErrNotFound)
}

func (b *books) Policies(context.Context) ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Keys(b.packs)), b.away
}

func (b *books) KeepPolicies(context.Context, ...string) error { return b.away }

func (b *books) RecentDecisions(_ context.Context, _ time.Time, each func(json.RawMessage) bool) error {
	for _, doc := range b.decided {
		if !each(doc) {
			break
		}
	}
	return b.away
}

// kinds are the kinds of all entries.
func (b *books) kinds() (all []string) {
	for _, e := range b.trail {
		all = append(all, e.Kind)
	}
	return all
}

// desk is the directory of an author.
type desk struct {
	t   *testing.T
	dir string
}

func newDesk(t *testing.T, text string) *desk {
	d := &desk{t, t.TempDir()}
	d.write("own.rego", text)
	return d
}

func (d *desk) write(name, text string) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) source() *Dir {
	base, err := rego.Held("shipped", map[string][]byte{"base.rego": []byte("package salvor.policies.base\n\nask contains {\"reason\": \"a zone\"} if input.fault.kind == \"zone\"\n")})
	if err != nil {
		d.t.Fatal(err)
	}
	return &Dir{Path: d.dir, Shipped: base}
}

// replica is a Rollout that has begun and looked at its source.
func replica(t *testing.T, name string, b *books, from Source) *Rollout {
	t.Helper()
	r := New(Options{Replica: name, Source: from, Trail: b, Packs: b, Recorded: b, Tester: OwnTests{}, Admins: []string{"ann", "bob"},
		Changed: func() {}, Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
	r.Begin(t.Context())
	looks(t, r)
	return r
}

// looks has a replica look at its source until that has settled, and follow the trail.
func looks(t *testing.T, r *Rollout) {
	t.Helper()
	for range 2 {
		if err := r.look(t.Context()); err != nil && !errors.Is(err, errUnsettled) {
			t.Fatal(err)
		}
	}
	if err := r.follow(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// verdict is what a replica decides about a reversible plan, and by which revision.
func verdict(t *testing.T, r *Rollout) (policies.Verdict, string) {
	t.Helper()
	d, _ := policies.Judge{Engine: r.Engine()}.Decide(t.Context(), calm("node", policies.Reversible, "recover"))
	return d.Verdict, d.Revision
}

func wants(t *testing.T, r *Rollout, want policies.Verdict) {
	t.Helper()
	if got, _ := verdict(t, r); got != want {
		t.Errorf("%s decides %s, want %s: %+v", r.Replica, got, want, r.Status())
	}
}

var errAway = fmt.Errorf("away: %w", events.ErrUnavailable)
