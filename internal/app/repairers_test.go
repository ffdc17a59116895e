package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/salvor-io/salvor/internal/repairers"
)

// world answers looks as it is told to, and counts them.
type world struct {
	mu    sync.Mutex
	found []repairers.Repairer
	err   error
	hangs bool
	looks int
}

func (w *world) look(ctx context.Context, _ string) ([]repairers.Repairer, error) {
	w.mu.Lock()
	found, err, hangs := w.found, w.err, w.hangs
	w.looks++
	w.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return found, err
}

func (w *world) set(found []repairers.Repairer, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.found, w.err, w.hangs = found, err, false
}

func (w *world) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.looks
}

// watching starts to look at the clusters, each a world, until the test ends.
func watching(t *testing.T, worlds map[string]*world) *others {
	o := &others{logger: slog.New(slog.DiscardHandler), first: map[string]chan struct{}{}, seen: map[string]sight{},
		look: func(ctx context.Context, cluster string) ([]repairers.Repairer, error) {
			return worlds[cluster].look(ctx, cluster)
		}}
	for name := range worlds {
		o.first[name] = make(chan struct{})
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- o.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return o
}

func wantOthers(t *testing.T, o *others, cluster string, known bool, names ...string) {
	t.Helper()
	if got, is := o.Repairers(cluster); is != known || !slices.Equal(got, names) {
		t.Errorf("%s: got %v, known %t, want %v, known %t", cluster, got, is, names, known)
	}
}

var (
	nhc    = repairers.Repairer{Certainty: repairers.Sure, Name: "NodeHealthCheck workers"}
	hidden = repairers.Repairer{Certainty: repairers.Unseen, Name: "GKE", What: "GKE repairs nodes"}
	paused = repairers.Repairer{Certainty: repairers.Idle, Name: "MachineHealthCheck ns/w"}
)

func TestOthersAreLookedAtAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{found: []repairers.Repairer{paused}}
		o := watching(t, map[string]*world{"east": w})
		if err := o.looked(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantOthers(t, o, "east", true)
		w.set([]repairers.Repairer{nhc, paused}, nil)
		time.Sleep(lookEvery + time.Second)
		wantOthers(t, o, "east", true, "NodeHealthCheck workers")
		w.set([]repairers.Repairer{nhc, hidden}, nil)
		time.Sleep(lookEvery)
		wantOthers(t, o, "east", false, "NodeHealthCheck workers")
		wantOthers(t, o, "west", false)
	})
}

// A look that fails is soon repeated. What the last one said stands for an hour, then nothing is known.
func TestOthersAreNotKnownWithoutALook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		o := watching(t, map[string]*world{"east": w})
		if err := o.looked(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantOthers(t, o, "east", true)
		w.set(nil, errors.New("the API server is away"))
		time.Sleep(lookEvery + time.Second)
		before := w.count()
		wantOthers(t, o, "east", true)
		time.Sleep(lookAgain)
		if w.count() == before {
			t.Error("the look that failed was not repeated soon")
		}
		time.Sleep(lookStands)
		wantOthers(t, o, "east", false)
		w.set(nil, nil)
		time.Sleep(lookEvery)
		wantOthers(t, o, "east", true)
	})
}

// A cluster that hangs is not known after the deadline of a look, and holds up no other.
func TestOthersOfOneClusterThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead := &world{hangs: true}
		o := watching(t, map[string]*world{"east": dead, "west": {found: []repairers.Repairer{nhc}}})
		synctest.Wait()
		wantOthers(t, o, "west", true, "NodeHealthCheck workers")
		began := time.Now()
		if err := o.looked(t.Context()); err != nil || time.Since(began) != lookWithin {
			t.Errorf("waited %s, error %v", time.Since(began), err)
		}
		wantOthers(t, o, "east", false)
		time.Sleep(time.Hour)
		if n := dead.count(); n < 10 || n > 20 {
			t.Errorf("a cluster that hangs was looked at %d times in an hour", n)
		}
	})
}

func TestWaitingForTheFirstLookEndsWithItsContext(t *testing.T) {
	o := &others{first: map[string]chan struct{}{"east": make(chan struct{})}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := o.looked(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestWhatPeopleState: a statement stands for what cannot be seen, and for nothing else.
func TestWhatPeopleState(t *testing.T) {
	unseen := repairers.Repairer{Certainty: repairers.Unseen, Name: "GKE"}
	sure := repairers.Repairer{Certainty: repairers.Sure, Name: "NodeHealthCheck workers"}
	for name, c := range map[string]struct {
		world *world
		known bool
		names []string
	}{
		"cannot be seen":   {&world{found: []repairers.Repairer{unseen}}, true, nil},
		"is seen":          {&world{found: []repairers.Repairer{unseen, sure}}, true, []string{sure.Name}},
		"cannot be looked": {&world{err: errors.New("away")}, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			o := &others{stated: map[string]bool{"east": true}, logger: slog.New(slog.DiscardHandler), seen: map[string]sight{}, look: c.world.look}
			o.see(t.Context(), "east")
			wantOthers(t, o, "east", c.known, c.names...)
		})
	}
}
