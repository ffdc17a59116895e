package rollout

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/salvor-io/salvor/events/jetstream"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/policies"
)

// life is one life of a replica on a real store.
type life struct {
	*Rollout
	changed chan struct{}
	end     func()
}

func (d *desk) live(conn *jetstream.Conn, name string) *life {
	d.t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	books, err := ledger.Open(d.t.Context(), conn.JetStream(), ledger.Options{Writer: name, MaxBytes: 8 << 20, Logger: quiet})
	if err != nil {
		d.t.Fatal(err)
	}
	l := &life{changed: make(chan struct{}, 1)}
	l.Rollout = New(Options{Replica: name, Source: d.source(), Trail: books, Packs: books, Recorded: books, Tester: OwnTests{}, Clock: time.Now, Log: quiet,
		Changed: func() {
			select {
			case l.changed <- struct{}{}:
			default:
			}
		}})
	l.Begin(d.t.Context())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	l.end = func() {
		if cancel(); done != nil {
			if err := <-done; err != nil {
				d.t.Error(err)
			}
			done = nil
		}
	}
	d.t.Cleanup(l.end)
	return l
}

// until waits for something to be true of the status.
func (l *life) until(t *testing.T, what string, is func(Status) bool) Status {
	t.Helper()
	late := time.After(time.Minute)
	for {
		if s := l.Status(); is(s) {
			return s
		}
		select {
		case <-l.changed:
		case <-late:
			t.Fatalf("%s: never %s: %+v", l.Replica, what, l.Status())
		}
	}
}

// TestAFleetOnOneStore: two replicas with directories of their own follow one trail; what is in force outlives their directories.
func TestAFleetOnOneStore(t *testing.T) {
	t.Parallel()
	conn, err := jetstream.Embed(t.Context(), jetstream.EmbedOptions{StoreDir: t.TempDir(), MaxStore: 256 << 20}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	d := newDesk(t, asks)
	one, two := d.live(conn, "one"), newDesk(t, asks).live(conn, "two")
	first := one.until(t, "in force", func(s Status) bool { return s.Serving.Revision != "" }).Serving.Revision
	two.until(t, "as the other", func(s Status) bool { return s.Serving.Revision == first })
	two.until(t, "offered", func(Status) bool { return two.current().offered["two"] != "" })
	d.write("own.rego", acts)
	held := two.until(t, "held", func(s Status) bool { return s.Held != nil }).Held
	if _, err := two.Activate(t.Context(), "somebody else", held.Revision, ""); err != nil {
		t.Fatal(err)
	}
	two.until(t, "in force", func(s Status) bool { return s.Serving.Revision == held.Revision })
	one.until(t, "in force", func(s Status) bool { return s.Serving.Revision == held.Revision })
	one.end()
	if err := os.RemoveAll(d.dir); err != nil {
		t.Fatal(err)
	}
	again := d.live(conn, "one")
	wants(t, again.Rollout, policies.Act)
	again.until(t, "refused", func(s Status) bool { return s.Refused != nil && s.Serving.Revision == held.Revision })
	if end, err := again.Trail.TrailEnd(t.Context(), TrailName); err != nil || end != 5 {
		t.Errorf("the trail has %d entries, want in_force, offered, held, activated, refused: %v", end, err)
	}
}
