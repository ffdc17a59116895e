package app

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/protection"
	"github.com/salvor-io/salvor/responders/point"
)

// looks are a cluster that is looked at, in the time of a bubble.
type looks struct {
	n, changes int
	away       bool
	log        kept
	backup     time.Time // when the last one began; zero: there is none
}

func (l *looks) take(_ context.Context, cluster string) *protection.Census {
	l.n++
	c := &protection.Census{Cluster: cluster, At: time.Now(), Velero: true, Namespaces: []protection.Namespace{{Name: "shop"}}}
	if l.away {
		return &protection.Census{Cluster: cluster, At: time.Now(), Unread: []protection.Unread{{What: protection.SourceCluster, Why: "it is away"}}}
	}
	if !l.backup.IsZero() {
		c.Backups = []point.Backup{{Namespace: "velero", Name: "b", Phase: point.Completed, Cluster: cluster, Started: l.backup, Completed: l.backup, LocationReady: true}}
	}
	return c
}

// kept is a log that keeps what it is told, in order.
type kept struct {
	events.Log
	entities []string
	states   []events.PromiseState
	fails    error
}

// Append implements events.Log.
func (k *kept) Append(_ context.Context, batch ...events.Event) ([]events.Receipt, error) {
	if k.fails != nil {
		return nil, k.fails
	}
	for _, ev := range batch {
		var p events.Promise
		if err := ev.Decode(&p); err != nil {
			return nil, err
		}
		k.entities, k.states = append(k.entities, ev.Entity), append(k.states, p.State)
	}
	return nil, nil
}

func guarded(l *looks) *guarding {
	cfg := &config.Config{Clusters: []config.Cluster{{Name: "prod"}, {Name: "lab"}}}
	promises := protection.Promises{{Name: "shop", Level: 1, RPO: time.Hour, Clusters: []string{"prod"}, Namespaces: []string{"shop"}}}
	return newGuarding(cfg, promises, l.take, func() { l.changes++ }, &l.log, slog.New(slog.DiscardHandler))
}

// TestPromisesAreLookedAt holds when a cluster is looked at, and that what stands gets older between two looks.
func TestPromisesAreLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &looks{backup: time.Now()}
		g := guarded(l)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- g.Run(ctx) }()
		after := func(d time.Duration, n int, what string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if l.n != n || l.changes != n {
				t.Errorf("%s: %d looks and %d changes, want %d", what, l.n, l.changes, n)
			}
		}
		after(0, 1, "at once, and only where something was promised")
		g.heard(events.Recorded{Event: events.Event{Cluster: "prod", Entity: "pod/shop/a"}})
		after(4*time.Minute, 1, "nothing changed that it rests on")
		after(time.Minute, 2, "every five minutes")
		g.heard(events.Recorded{Event: events.Event{Cluster: "prod", Entity: "backup.velero.io/velero/b"}})
		after(59*time.Second, 2, "a change waits")
		after(time.Second, 3, "a change")
		g.heard(events.Recorded{Event: events.Event{Cluster: "elsewhere", Entity: "backup.velero.io/velero/b"}})
		if got := g.Troubles(); len(got) != 0 {
			t.Errorf("in time: %+v", got)
		}
		began := l.backup
		l.away = true
		after(55*time.Minute, 14, "it is away")
		if got := g.Troubles(); len(got) != 1 || got[0].State != protection.Late || !got[0].Since.Equal(began.Add(time.Hour)) {
			t.Errorf("while it is away the last backup gets older: %+v", got)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := g.Troubles(); len(got) != 1 || got[0].State != protection.Unknown {
			t.Errorf("what was seen long ago stands: %+v", got)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestSinceWhen holds that a trouble has begun when it was seen first, and begins anew once it was over.
func TestSinceWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &looks{}
		g := guarded(l)
		at := func() time.Time {
			g.look(t.Context(), "prod")
			if got := g.Troubles(); len(got) == 1 && got[0].State == protection.Unprotected {
				return got[0].Since
			}
			return time.Time{}
		}
		first := time.Now()
		if got := at(); !got.Equal(first) {
			t.Errorf("since %s, want %s", got, first)
		}
		time.Sleep(time.Minute)
		if got := at(); !got.Equal(first) {
			t.Errorf("later since %s, want %s", got, first)
		}
		l.backup = time.Now()
		if got := at(); !got.IsZero() {
			t.Errorf("it is over, and stands since %s", got)
		}
		l.backup = time.Time{}
		time.Sleep(time.Minute)
		if got := at(); !got.Equal(time.Now()) {
			t.Errorf("again since %s, want %s", got, time.Now())
		}
	})
}

// TestPromisesAreTold: what is broken is recorded at each look, what is kept once, and what is not known not at all.
func TestPromisesAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &looks{backup: time.Now()}
		g := guarded(l)
		look := func(what string, want ...events.PromiseState) {
			t.Helper()
			l.log.entities, l.log.states = nil, nil
			g.look(t.Context(), "prod")
			if diff := cmp.Diff(want, l.log.states, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		look("at first", events.PromiseKept)
		look("as before")
		time.Sleep(90 * time.Minute)
		look("late by less than twice")
		time.Sleep(time.Hour)
		look("late by more than twice", events.PromiseOverdue)
		look("still", events.PromiseOverdue)
		if l.log.entities[0] != "promise/shop/shop/again" {
			t.Errorf("what is said once more is recorded as %s", l.log.entities[0])
		}
		l.backup = time.Time{}
		look("there is none", events.PromiseUnprotected)
		l.log.fails = events.ErrUnavailable
		l.backup = time.Now()
		look("the log takes nothing")
		l.log.fails = nil
		look("then it does", events.PromiseKept)
		g.heard(events.Recorded{Event: events.Event{Type: events.TypePromise, Cluster: "prod", Data: []byte(`{"application":"shop","namespace":"shop","state":"unprotected"}`)}})
		look("another replica said otherwise", events.PromiseKept)
		l.away = true
		time.Sleep(2 * time.Hour)
		look("it cannot be reached for long")
	})
}
