package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/events/alertmanager"
	"github.com/salvor-io/salvor/events/kube"
	"github.com/salvor-io/salvor/internal/chronicle"
	"github.com/salvor-io/salvor/internal/clock"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/judging"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/pipeline"
	"github.com/salvor-io/salvor/internal/protection"
	"github.com/salvor-io/salvor/internal/recovery"
	"github.com/salvor-io/salvor/internal/rollout"
)

// Options say who is running.
type Options struct {
	Replica string // name of this replica among those of one store; stable over restarts
	Life    string // unique to this life of the process
	Version string
	Log     *slog.Logger
	Welcome io.Writer // where whoever starts it for the first time is told how to open the console; nil: nowhere
}

// App is one running replica.
type App struct {
	cfg          *config.Config
	opt          Options
	store        *store
	rollout      *rollout.Rollout
	clusters     clusters
	pipeline     *pipeline.Pipeline
	pauses       *chronicle.Pauses
	engine       *recovery.Engine
	books        *judging.Books
	others       *others
	table        *alertmanager.Table // what alerts speak of
	promises     protection.Promises
	guarding     *guarding
	environments map[string]string // of clusters
	kicks        *kicks
	folding      *folding
	progress     progress
	front        *front
}

// New opens the store and builds all parts. Nothing runs yet; Run must be called, or Close.
func New(ctx context.Context, cfg *config.Config, opt Options) (_ *App, err error) {
	a := &App{cfg: cfg, opt: opt}
	if a.clusters, err = openClusters(cfg, opt.Version); err != nil {
		return nil, err
	}
	books, err := loadRunbooks(cfg, a.clusters)
	if err != nil {
		return nil, err
	}
	if a.store, err = openStore(ctx, cfg, opt.Life, opt.Log); err != nil {
		return nil, err
	}
	a.pauses = chronicle.NewPauses(a.store.ledger, a.store.ledger, opt.Log.With("part", "pauses"))
	if err := a.open(books); err != nil {
		return nil, a.store.closeAfter(err)
	}
	a.rollout.Begin(ctx)
	return a, nil
}

// open builds what stands on the store.
func (a *App) open(books *judging.Books) (err error) {
	if a.rollout, err = openRollout(a, books.Catalog.Names()); err != nil {
		return err
	}
	judges, err := judging.By(a.cfg, a.rollout.Engine())
	if err != nil {
		return err
	}
	look, err := censuses(a.cfg, a.clusters)
	if err != nil {
		return err
	}
	a.guarding = newGuarding(a.cfg, judges.Promises, look, func() { a.front.notices.Wake() }, a.store.log, a.opt.Log.With("part", "protection"))
	a.build(judges, books)
	a.front, err = openFront(a)
	return err
}

func (a *App) build(judges *judging.Judgement, books *judging.Books) {
	log := a.opt.Log
	a.kicks = newKicks(func(ctx context.Context, id incident.ID, inc *incident.Incident) error {
		return a.store.ledger.Alone(ctx, id, func(ctx context.Context) error {
			if inc == nil {
				return a.engine.Move(ctx, id)
			}
			return a.engine.MoveOn(ctx, inc)
		})
	}, log.With("part", "kicks"))
	a.books = books
	a.table, a.promises, a.environments = judges.Table, judges.Promises, map[string]string{}
	for _, c := range a.cfg.Clusters {
		a.environments[c.Name] = c.Environment
	}
	opener := recovery.Opener{Ledger: a.store.ledger, Ready: func(ctx context.Context) { a.engine.Ready(ctx) }}
	a.pipeline = judges.Pipeline(opener, a.kicks.add, a.kicks.opened, log.With("part", "pipeline"))
	a.others = newOthers(a.clusters, soleRepairer(a.cfg), log.With("part", "repairers"))
	a.engine = judges.Engine(judging.World{Replica: a.opt.Life, Alone: a.store.conn.Embedded(), Ledger: a.store.ledger, Sights: a.pipeline,
		Others: a.others, Books: books, Clock: clock.Wall{}, Progress: a.comesOn}, log.With("part", "recovery"))
	a.folding = &folding{log: a.store.log, ledger: a.store.ledger, pipeline: a.pipeline, heard: a.guarding.heard, moved: func(rec incident.Sequenced) { a.engine.Interrupt(rec); a.progress.moved(rec); a.front.moved(rec) },
		logger: log.With("part", "folding"), events: make(chan struct{}), incidents: make(chan struct{})}
}

// Close closes what New opened, when Run is not to be called.
func (a *App) Close() error { return a.store.close() }

// Run runs the replica until ctx ends, then stops it in reverse order and returns nil; it returns an error when a part
// fails that the others cannot do without.
func (a *App) Run(ctx context.Context) error {
	err := a.run(ctx)
	if closing := a.store.close(); err == nil {
		err = closing
	}
	return err
}

func (a *App) run(ctx context.Context) error {
	a.opt.Log.Info("starting", "replica", a.opt.Replica, "version", a.opt.Version, "clusters", len(a.cfg.Clusters))
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.front.run(ctx) })
	group.Go(func() error { return a.folding.run(ctx) })
	group.Go(func() error { return a.others.Run(ctx) })
	group.Go(func() error { return a.guarding.Run(ctx) })
	group.Go(func() error { return a.rollout.Run(ctx) })
	group.Go(func() error {
		return chronicle.Keep(ctx, a.store.ledger, a.opt.Replica, chronicle.StateOf(a.cfg), a.opt.Log.With("part", "chronicle"))
	})
	group.Go(func() error { return a.pauses.Run(ctx) })
	group.Go(func() error { return a.act(ctx) })
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	a.opt.Log.Info("stopped")
	return nil
}

// act begins to watch, judge and move, once the view stands.
func (a *App) act(ctx context.Context) error {
	if err := a.folding.caughtUp(ctx); err != nil {
		return err
	}
	watches, err := a.clusters.watches(a.cfg, a.opt.Replica, a.store.log, a.pipeline, a.opt.Log.With("part", "watch"))
	if err != nil {
		return err
	}
	probes, err := a.clusters.probes(a.opt.Replica, a.store.log, a.opt.Log.With("part", "probe"))
	if err != nil {
		return err
	}
	quiet, err := silences(a.cfg, a.opt.Replica, a.store.log, a.pipeline, a.opt.Log.With("part", "silences"))
	if err != nil {
		return err
	}
	if err := a.blink(ctx, watches); err != nil {
		return err
	}
	sources := append(slices.Concat(probes, quiet), ticks{a.store.log, a.opt.Log.With("part", "clock")})
	for _, w := range watches {
		sources = append(sources, w)
	}
	a.pipeline.Start(ctx)
	a.front.stands()
	return a.work(ctx, sources)
}

// blink has the view know that this replica does not see yet: nothing is judged by what it saw before it died or was stopped.
// A store that does not take that is asked again; without it nothing could be recorded anyway.
func (a *App) blink(ctx context.Context, watches []*kube.Source) error {
	for _, w := range watches {
		seq, err := w.Begin(ctx)
		for ; err != nil; seq, err = w.Begin(ctx) {
			a.opt.Log.Warn("the store takes nothing yet, trying again", "error", err)
			if !clock.Sleep(ctx, time.Second) {
				return ctx.Err()
			}
		}
		for a.pipeline.Seq() < seq {
			if !clock.Sleep(ctx, 2*time.Millisecond) {
				return ctx.Err()
			}
		}
	}
	return nil
}

func (a *App) work(ctx context.Context, sources []events.Source) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, source := range sources {
		group.Go(func() error { return source.Run(ctx) })
	}
	group.Go(func() error { return a.front.notices.Run(ctx) })
	group.Go(func() error { return a.front.chats.run(ctx) })
	group.Go(func() error { return a.archiver().Run(ctx) })
	group.Go(func() error { return a.moves(ctx) })
	return group.Wait()
}

// moves takes up the moves of incidents, once it was looked who else repairs nodes: before, no step would be let go on.
func (a *App) moves(ctx context.Context) error {
	if err := a.others.looked(ctx); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.kicks.Run(ctx) })
	group.Go(func() error {
		if err := a.store.ledger.Work(ctx, "recovery", a.engine.Move); err != nil {
			return fmt.Errorf("take up moves: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		if err := a.store.ledger.Fired(ctx, func(ctx context.Context, t ledger.Timer) error { return a.engine.Move(ctx, t.Incident) }); err != nil {
			return fmt.Errorf("take up timers: %w", err)
		}
		return nil
	})
	return group.Wait()
}
