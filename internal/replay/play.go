package replay

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/clock"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/judging"
	"github.com/salvor-io/salvor/internal/ledger/memory"
	"github.com/salvor-io/salvor/internal/scene"
	"github.com/salvor-io/salvor/policies"
)

// sameWithin is how long a log takes an id for the same event, see [events.Log].
const sameWithin = 15 * time.Minute

// Player plays one input in virtual time.
type Player struct {
	judges *judging.Judgement
	books  *judging.Books
	world  *paper
	clock  *clock.Virtual
	store  *memory.Store
	life   *Life
	lives  int
	seq    uint64
	log    []events.Recorded    // what was folded, for another life
	taken  map[string]time.Time // when an id was taken
	odd    []string             // what could not be read
}

// NewPlayer makes a player whose first life begins at a time, with nothing known.
func NewPlayer(ctx context.Context, judges *judging.Judgement, books *judging.Books, world *paper, at time.Time) *Player {
	p := &Player{judges: judges, books: books, world: world, clock: clock.NewVirtual(at), taken: map[string]time.Time{}}
	p.store = memory.New(memory.Options{Now: p.clock.Now})
	p.world.now = p.clock.Now
	p.begin(ctx)
	p.life.Start()
	return p
}

// begin begins another life, which has folded nothing yet.
func (p *Player) begin(ctx context.Context) {
	p.lives++
	p.life = Begin(ctx, Parts{Name: "replay-" + strconv.Itoa(p.lives), Alone: true, Clock: p.clock, Store: p.store, Judges: p.judges,
		Others: p.world, Books: p.books, Log: slog.New(slog.DiscardHandler)})
	p.world.view = p.life.Pipeline().Ask
}

// Follow has f called with each record as it is written.
func (p *Player) Follow(f func(incident.Sequenced)) { p.store.Follow(f) }

// Incidents are all that there were, the oldest first.
func (p *Player) Incidents() ([]*incident.Incident, error) { return p.store.Incidents() }

// Odd says what could not be read of the input, one line each.
func (p *Player) Odd() []string { return p.odd }

// Play lets one thing happen, after all that is due before it.
func (p *Player) Play(ctx context.Context, step scene.Step) error {
	p.advance(step.At)
	if step.Event != nil {
		p.fold(*step.Event)
	}
	if step.Order.Word != "" {
		if err := p.obey(ctx, step.Order); err != nil {
			return err
		}
	}
	return p.life.Err()
}

// advance lets time pass up to a time, with all that is due until then.
func (p *Player) advance(to time.Time) {
	for {
		at, timer := p.store.NextTimer()
		if next, due := p.clock.Next(); due && (!timer || !next.After(at)) && !next.After(to) {
			p.clock.AdvanceTo(next)
			continue
		}
		if !timer || at.After(to) {
			break
		}
		p.clock.AdvanceTo(at)
		for _, t := range p.store.Due(at) {
			p.life.Fired(t)
		}
	}
	p.clock.AdvanceTo(to)
}

// fold records an event, unless it was just recorded, and folds it.
func (p *Player) fold(ev events.Event) {
	now := p.clock.Now()
	if at, ok := p.taken[ev.ID]; ok && now.Sub(at) < sameWithin {
		return
	}
	p.taken[ev.ID] = now
	p.seq++
	rec := events.Recorded{Event: ev, Seq: p.seq, At: now}
	p.log = append(p.log, rec)
	if err := p.life.Fold(rec); err != nil {
		p.odd = append(p.odd, fmt.Sprintf("%s: %v", ev.ID, err))
	}
}

// obey carries out an order.
func (p *Player) obey(ctx context.Context, o scene.Order) error {
	if err := p.known(o); err != nil {
		return err
	}
	switch o.Word {
	case "crash":
		return p.restart(ctx)
	case "pause", "resume":
		return p.pause(o)
	case "fails":
		for _, name := range o.Args {
			p.world.failing[name] = true
		}
	case "works":
		for _, name := range o.Args {
			delete(p.world.failing, name)
		}
	case "takes":
		length, err := time.ParseDuration(o.Args[1])
		if err != nil {
			return fmt.Errorf("takes: %q is no duration", o.Args[1])
		}
		p.world.takes[o.Args[0]] = length
	case "repairer":
		p.world.repairers, p.world.unknown = slices.Clone(o.Args), false
	case "repairers":
		p.world.repairers, p.world.unknown = nil, o.Args[0] == "unknown"
	}
	return nil
}

// known says what an order names that there is not.
func (p *Player) known(o scene.Order) error {
	var names []string
	switch o.Word {
	case "fails", "works":
		names = o.Args
	case "takes":
		names = o.Args[:1]
	case "repairers":
		if word := o.Args[0]; word != "none" && word != "unknown" {
			return fmt.Errorf("repairers: %q is neither none nor unknown", word)
		}
	}
	for _, name := range names {
		if _, err := p.books.Catalog.Lookup(name); err != nil {
			return fmt.Errorf("%s: %w", o.Word, err)
		}
	}
	return nil
}

// restart ends this life, and begins another that folds what is in the log.
func (p *Player) restart(ctx context.Context) error {
	p.life.Die()
	p.begin(ctx)
	for _, rec := range p.log {
		if err := p.life.Fold(rec); err != nil && len(p.odd) == 0 {
			return err
		}
	}
	p.life.Start()
	return nil
}

func (p *Player) pause(o scene.Order) error {
	pause := policies.Pause{Cluster: o.Set["cluster"], Kind: o.Set["kind"], Target: o.Set["target"], Owner: cmp.Or(o.Set["by"], "scene"), Reason: o.Set["reason"]}
	if o.Word == "resume" {
		return p.store.EndPause(pause)
	}
	length, err := time.ParseDuration(o.Set["for"])
	if err != nil {
		return fmt.Errorf("pause: for=%q is no duration", o.Set["for"])
	}
	now := p.clock.Now()
	pause.Since, pause.Until = now, now.Add(length)
	return p.store.SetPause(pause)
}
