package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/events/jetstream"
	"github.com/salvor-io/salvor/internal/clock"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/pipeline"
	"github.com/salvor-io/salvor/internal/recovery"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/policies/bundle"
	"github.com/salvor-io/salvor/policies/rego"
	"github.com/salvor-io/salvor/responders"
)

const (
	workshopCluster = "bench"
	workshopNodes   = 60               // each is lost a few times: the log keeps what it was told of the node, and drops nothing for it
	patience        = 10 * time.Second // for what takes milliseconds
)

// workshop is the way from an event to an effect, put together as package app does it, but for what reaches outside: one
// runbook with one step that does nothing, no watch, no clock, no confirmation window.
type workshop struct {
	conn     *jetstream.Conn
	log      *jetstream.Log
	ledger   *ledger.Ledger
	pipeline *pipeline.Pipeline
	engine   *recovery.Engine
	stop     context.CancelFunc
	ended    chan error
	caughtUp chan struct{}           // takes one for the view, one for the index of incidents
	effects  chan time.Time          // when the step was applied
	records  chan incident.Sequenced // what was recorded
	version  int                     // of the Leases
	lost     int                     // nodes so far
}

func openWorkshop(ctx context.Context, dir string) (w *workshop, err error) {
	quiet := slog.New(slog.DiscardHandler)
	w = &workshop{ended: make(chan error, 1), caughtUp: make(chan struct{}, 2),
		effects: make(chan time.Time, 1), records: make(chan incident.Sequenced, 64)}
	if w.conn, err = jetstream.Embed(ctx, jetstream.EmbedOptions{StoreDir: dir}, quiet); err != nil {
		return nil, fmt.Errorf("open the workshop: %w", err)
	}
	if err := w.build(ctx, quiet); err != nil {
		return nil, errors.Join(fmt.Errorf("open the workshop: %w", err), w.conn.Close())
	}
	running, stop := context.WithCancel(ctx)
	w.stop = stop
	go func() { w.ended <- w.run(running) }()
	if err := w.begin(ctx); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *workshop) build(ctx context.Context, log *slog.Logger) (err error) {
	if w.log, err = jetstream.Open(ctx, w.conn, jetstream.Options{}, log); err != nil {
		return err
	}
	if w.ledger, err = ledger.Open(ctx, w.conn.JetStream(), ledger.Options{Writer: "bench.1", Logger: log}); err != nil {
		return err
	}
	often, err := rego.Held("one node that is lost again and again", map[string][]byte{"data.yaml": []byte("salvor: {config: {defaults: {repeats: 1000000}}}")})
	if err != nil {
		return err
	}
	rules, err := rego.New(ctx, []rego.Source{{Name: "the shipped bundle", Files: bundle.Files()}, often}, rego.Options{})
	if err != nil {
		return err
	}
	catalog, err := responders.NewCatalog(idler{w.effects})
	if err != nil {
		return err
	}
	w.pipeline = pipeline.New(pipeline.Options{Classifiers: []classifiers.Classifier{classifiers.Node{}},
		Ledger: recovery.Opener{Ledger: w.ledger, Ready: func(ctx context.Context) { w.engine.Ready(ctx) }},
		Kick: func(id incident.ID) {
			go w.move(context.WithoutCancel(ctx), id, func(ctx context.Context) error { return w.engine.Move(ctx, id) })
		},
		Opened: func(inc *incident.Incident) {
			go w.move(context.WithoutCancel(ctx), inc.ID, func(ctx context.Context) error { return w.engine.MoveOn(ctx, inc) })
		}, Log: log})
	w.engine = recovery.New(recovery.Options{
		Replica: "bench.1", Alone: true, Ledger: w.ledger, Sights: w.pipeline, Others: nobody{}, Planner: onePlan{}, Catalog: catalog,
		Decider: policies.Judge{Engine: rules}, Clusters: map[string]recovery.Cluster{workshopCluster: {Name: workshopCluster,
			Modes: map[classifiers.Kind]policies.Mode{classifiers.KindNode: policies.ModeAct}}},
		Terms:     incident.Terms{Retry: time.Second, Attempts: 3, Flaps: 3},
		Limits:    policies.Limits{NodesPerZone: 1, FleetShare: 0.1, StormNodes: 3, StormShare: 0.2, Attempts: 3},
		StormSpan: 2 * time.Minute, Clock: clock.Wall{}, Log: log,
	})
	return nil
}

// nobody else repairs the nodes of the workshop.
type nobody struct{}

func (nobody) Repairers(string) ([]string, bool) { return nil, true }

// move looks for the next move of an incident whose fault looks different. One that fails is made up for by its record.
func (w *workshop) move(ctx context.Context, id incident.ID, move func(context.Context) error) {
	_ = w.ledger.Alone(ctx, id, move)
}

func (w *workshop) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	done := func() { w.caughtUp <- struct{}{} }
	group.Go(func() error {
		return w.log.Follow(ctx, 0, func(ev events.Recorded) error { return w.pipeline.Fold(ctx, ev) }, done)
	})
	group.Go(func() error {
		return w.ledger.Follow(ctx, func(rec incident.Sequenced) error {
			err := w.pipeline.Record(rec)
			w.records <- rec
			return err
		}, done)
	})
	group.Go(func() error { return w.ledger.Work(ctx, "recovery", w.engine.Move) })
	group.Go(func() error {
		return w.ledger.Fired(ctx, func(ctx context.Context, t ledger.Timer) error { return w.engine.Move(ctx, t.Incident) })
	})
	return group.Wait()
}

func (w *workshop) close() error {
	w.stop()
	err := <-w.ended
	return errors.Join(err, w.log.Close(), w.conn.Close())
}

// begin lets the view see a cluster that is well.
func (w *workshop) begin(ctx context.Context) error {
	for range cap(w.caughtUp) {
		select {
		case <-w.caughtUp:
		case <-time.After(patience):
			return errors.New("the view did not catch up with an empty store")
		}
	}
	w.pipeline.Start(ctx)
	var all []events.Event
	for i := range workshopNodes {
		n := strconv.Itoa(i + 1)
		ev, err := w.event("node/"+n, events.TypeNode, "node/worker-"+n, events.Node{Name: "worker-" + n, UID: "uid-" + n, ResourceVersion: "1",
			Zone: "eu-west-1" + string(rune('a'+i%3)), Region: "eu-west-1", Ready: events.Condition{Status: "True"}})
		if err != nil {
			return err
		}
		all = append(all, ev)
	}
	if _, err := w.log.Append(ctx, all...); err != nil {
		return fmt.Errorf("show the workshop its nodes: %w", err)
	}
	return w.renew(ctx, 1, workshopNodes)
}

func (w *workshop) event(id string, typ events.Type, entity string, payload any) (events.Event, error) {
	return events.New(id, typ, "/bench", workshopCluster, entity, time.Now(), payload)
}
