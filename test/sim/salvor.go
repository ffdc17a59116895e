package sim

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/judging"
	"github.com/salvor-io/salvor/internal/ledger/memory"
	"github.com/salvor-io/salvor/internal/recovery"
	"github.com/salvor-io/salvor/internal/replay"
)

func replicaName(n int) string { return fmt.Sprintf("salvor-%d", n) }

// redelivered is how long after a record some replica is told of it again, when nobody has gone on.
const redelivered = 10 * time.Second

// journal is the log that replicas share. A store that is down takes nothing.
type journal struct {
	run    *run
	events []events.Recorded
	taken  map[string]time.Time
	down   bool
}

// sameWithin is how long an id is the same event, as package events promises.
const sameWithin = 15 * time.Minute

// Append implements ingest.Appender.
func (j *journal) Append(_ context.Context, evs ...events.Event) ([]events.Receipt, error) {
	if j.down {
		return nil, events.ErrUnavailable
	}
	receipts := make([]events.Receipt, len(evs))
	now := j.run.clock.Now()
	for i, ev := range evs {
		if at, ok := j.taken[ev.ID]; ok && now.Sub(at) < sameWithin {
			receipts[i].Duplicate = true
			continue
		}
		j.taken[ev.ID] = now
		rec := events.Recorded{Event: ev, Seq: uint64(len(j.events) + 1), At: now}
		j.events = append(j.events, rec)
		receipts[i].Seq = rec.Seq
		j.run.oracle.recorded(rec)
		if ev.Type != events.TypeTick {
			j.run.trace("%d %s %s %s", rec.Seq, ev.Cluster, ev.ID, ev.Data)
		}
	}
	for _, p := range j.run.replicas {
		p.told()
	}
	return receipts, nil
}

// offer records events that nobody sends again: while the store is down they are lost.
func (j *journal) offer(evs ...events.Event) { _, _ = j.Append(j.run.ctx, evs...) }

// replica is one replica of Salvor: its lives, its watches, and how far it lags.
type replica struct {
	run      *run
	name     string
	books    *judging.Books
	life     *replay.Life // nil while it is down
	lives    int
	began    time.Time // of this life
	folded   int       // events of the journal
	lag      time.Duration
	stuck    time.Time // it folds nothing before
	draining bool
	watchers []*watcher
}

// boot begins a life: all that is in the journal is folded, and judged from then on.
func (p *replica) boot() {
	r := p.run
	if p.life != nil {
		return
	}
	if r.log.down { // it waits for the store
		r.clock.At(r.clock.Now().Add(time.Second), p.boot)
		return
	}
	p.lives++
	r.trace("%s boots", p.name)
	p.began, p.folded = r.clock.Now(), 0
	p.life = replay.Begin(r.ctx, replay.Parts{
		Name: fmt.Sprintf("%s.%d", p.name, p.lives), Alone: len(r.replicas) == 1, Clock: r.clock, Store: r.store, Judges: r.judges,
		Ledger: func(l *memory.Ledger) recovery.Ledger { return &faulty{Ledger: l, replica: p, life: p.lives} },
		Sights: r.bug.sights(r), Others: alone{}, Books: p.books, Log: slog.New(slog.DiscardHandler)})
	p.watchers = nil
	for _, c := range r.clusters {
		p.watchers = append(p.watchers, newWatcher(p, c))
	}
	for _, w := range p.watchers {
		r.log.offer(w.reports(false)...) // it does not see yet, and nothing is judged by what it knew when it died
	}
	p.fold()
	for _, w := range p.watchers {
		w.know()
	}
	p.life.Start()
}

// die ends the life, wherever it is.
func (p *replica) die() {
	if p.life == nil {
		return
	}
	p.run.trace("%s dies", p.name)
	life := p.life
	p.life, p.watchers = nil, nil
	life.Die()
	p.run.clock.At(p.run.clock.Now().Add(time.Second+p.run.chance(40*time.Second)), p.boot)
}

// told says that there is more in the journal.
func (p *replica) told() {
	if p.life == nil || p.draining {
		return
	}
	p.draining = true
	p.run.clock.At(p.run.clock.Now().Add(p.lag), func() {
		p.draining = false
		p.drain()
	})
}

// drain folds what has reached the replica.
func (p *replica) drain() {
	now := p.run.clock.Now()
	if p.life == nil {
		return
	}
	if now.Before(p.stuck) {
		p.draining = true
		p.run.clock.At(p.stuck, func() {
			p.draining = false
			p.drain()
		})
		return
	}
	p.fold()
}

func (p *replica) fold() {
	life := p.life
	for p.folded < len(p.run.log.events) && p.life == life {
		rec := p.run.log.events[p.folded]
		p.folded++
		if err := life.Fold(rec); err != nil {
			p.run.oracle.fails("an event of our own cannot be folded: %s: %v", rec.ID, err)
		}
	}
	if err := life.Err(); err != nil {
		p.run.oracle.fails("a record does not fit: %v", err)
	}
}

// alone says that nobody else repairs nodes.
type alone struct{}

// Repairers implements recovery.Others.
func (alone) Repairers(string) ([]string, bool) { return nil, true }

// redeliver has some replica look at an incident again, when nobody has gone on with it since a record.
func (r *run) redeliver(rec incident.Sequenced) {
	r.clock.At(r.clock.Now().Add(redelivered), func() {
		if r.lastOf[rec.Incident] == rec.Seq {
			r.look(rec.Incident)
		}
	})
}

// look has some replica that lives look at an incident.
func (r *run) look(id incident.ID) {
	var up []*replica
	for _, p := range r.replicas {
		if p.life != nil {
			up = append(up, p)
		}
	}
	if len(up) > 0 {
		up[r.chaos.IntN(len(up))].life.Look(id)
	}
}
