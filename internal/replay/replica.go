package replay

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/clock"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/judging"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/ledger/memory"
	"github.com/salvor-io/salvor/internal/pipeline"
	"github.com/salvor-io/salvor/internal/recovery"
	"github.com/salvor-io/salvor/policies"
)

// lookAgain is how long after a look that failed an incident is looked at again.
const lookAgain = time.Second

// Life is one life of a replica in virtual time: what package app runs, one thing at a time. It is used by the driver of its clock.
type Life struct {
	clock    *clock.Virtual
	store    *memory.Store
	pipeline *pipeline.Pipeline
	engine   *recovery.Engine
	busy     map[incident.ID]bool // looked at now; the value: wanted again
	unfollow func()
	ctx      context.Context // ends when it dies
	die      context.CancelFunc
	broken   error
}

// Parts are what a life is made of.
type Parts struct {
	Name   string // unique to this life
	Alone  bool   // no other replica shares the store
	Clock  *clock.Virtual
	Store  *memory.Store
	Ledger func(*memory.Ledger) recovery.Ledger  // what stands between its engine and its ledger; nil: nothing
	Sights func(recovery.Sights) recovery.Sights // what stands between its engine and its view; nil: nothing
	Judges *judging.Judgement
	Others recovery.Others
	Books  *judging.Books
	Log    *slog.Logger
}

// Begin begins a life: the index follows the ledger, and nothing is judged until Start.
func Begin(ctx context.Context, p Parts) *Life {
	l := &Life{clock: p.Clock, store: p.Store, busy: map[incident.ID]bool{}}
	l.ctx, l.die = context.WithCancel(ctx)
	writer := p.Store.Writer(p.Name)
	var through recovery.Ledger = writer
	if p.Ledger != nil {
		through = p.Ledger(writer)
	}
	l.pipeline = p.Judges.Pipeline(writer, l.Look, func(inc *incident.Incident) { l.Look(inc.ID) }, p.Log)
	var sights recovery.Sights = l.pipeline
	if p.Sights != nil {
		sights = p.Sights(sights)
	}
	l.engine = p.Judges.Engine(judging.World{Replica: p.Name, Alone: p.Alone, Ledger: through, Sights: sights, Others: p.Others,
		Books: p.Books, Clock: p.Clock}, p.Log)
	l.unfollow = p.Store.Follow(func(rec incident.Sequenced) {
		if err := l.pipeline.Record(rec); err != nil && l.broken == nil {
			l.broken = fmt.Errorf("incident %s at %d: %w", rec.Incident, rec.Seq, err)
		}
		if l.engine.Interrupt(rec) {
			l.clock.At(l.clock.Now(), l.clock.Wake)
		}
	})
	return l
}

// Pipeline is that of this life.
func (l *Life) Pipeline() *pipeline.Pipeline { return l.pipeline }

// Fold takes in one event. An event that can never be folded is an error.
func (l *Life) Fold(ev events.Recorded) error { return l.pipeline.Fold(l.ctx, ev) }

// Start says that all history was folded: it judges from now on, and looks at what was left to be done.
func (l *Life) Start() {
	l.pipeline.Start(l.ctx)
	for _, id := range l.pipeline.Live() {
		l.Look(id)
	}
}

// Authorize asks policy whether a person may say something about what people are asked, as this replica does.
func (l *Life) Authorize(ctx context.Context, inc *incident.Incident, person policies.Person) (recovery.Stored, uint64, error) {
	return l.engine.Authorize(ctx, inc, person)
}

// Fired takes up a timer that fired.
func (l *Life) Fired(t ledger.Timer) { l.Look(t.Incident) }

// Die ends the life at once, in the middle of whatever it does.
func (l *Life) Die() {
	l.unfollow()
	l.die()
	l.clock.Wake()
}

// Err is why the life cannot go on: a record that does not fit.
func (l *Life) Err() error { return l.broken }

// Look has the next moves of an incident made, those of one incident one after the other.
func (l *Life) Look(id incident.ID) {
	if l.ctx.Err() != nil {
		return
	}
	if _, busy := l.busy[id]; busy {
		l.busy[id] = true
		return
	}
	l.clock.Go(func() {
		for wanted := true; wanted && l.ctx.Err() == nil; {
			l.busy[id] = false
			if err := l.engine.Move(l.ctx, id); err != nil {
				l.busy[id] = l.clock.Sleep(l.ctx, lookAgain)
			}
			wanted = l.busy[id]
		}
		delete(l.busy, id)
	})
}
