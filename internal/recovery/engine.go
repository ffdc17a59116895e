// Package recovery makes the moves of incidents: it works out plans, asks policy, does steps, takes over what another
// replica left half done, and verifies. What the next move is, package incident says; this package only carries it out.
//
// Any replica may make any move. The ledger lets one of them append; whoever loses stops and does nothing. An effect on the
// world is made only under an intent that this engine appended, before the deadline that the intent states, and the guard
// that is lent to the responder looks at the ledger and the pauses again right before each write.
package recovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/clock"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/pipeline"
	"github.com/salvor-io/salvor/internal/protection"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Ledger is what the engine needs of the ledger of incidents, with the promises of package ledger.
type Ledger interface {
	Load(ctx context.Context, id incident.ID) (*incident.Incident, error)
	Current(ctx context.Context, inc *incident.Incident) error
	Append(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error)
	Decide(ctx context.Context, inc *incident.Incident, doc any, claim *ledger.Claim) (incident.Asked, error)
	Keep(ctx context.Context, inc *incident.Incident, docs ...any) ([]incident.Asked, error)
	AppendClaimed(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error)
	AppendIntent(ctx context.Context, inc *incident.Incident, rec incident.Record, claim ledger.Claim, doc any) (uint64, error)
	AppendAsked(ctx context.Context, inc *incident.Incident, rec incident.Record, doc any) (uint64, error)
	AppendReleasing(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error)
	AppendYielding(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error)
	Close(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error)
	Budget(ctx context.Context) (ledger.Budget, error)
	KnownBudget() ledger.Budget
	SetTimer(ctx context.Context, t ledger.Timer) error
	Pauses(ctx context.Context) ([]policies.Pause, error)
}

// ErrHeld says that something outside the step holds it back: a pause, a limit, a target that another incident holds, or a
// store that cannot be asked. Nothing was written to the world.
var ErrHeld = errors.New("held back")

// Planner works out plans. Runbooks are all that there are for a kind of fault, About those that are to be tried for one, in their order.
type Planner interface {
	Runbooks(kind classifiers.Kind) []string
	About(f classifiers.Fault) []string
	Plan(ctx context.Context, runbook string, phase incident.Phase, inc *incident.Incident, env responders.Env) (responders.Plan, error)
}

// Sights is what the engine asks the view.
type Sights interface {
	Look(inc *incident.Incident) pipeline.Look
	Ask(f func(*classifiers.View))
	OpenedSince(key incident.Key, t time.Time) int
}

// Cluster is what is configured about a cluster.
type Cluster struct {
	Name, Environment, Region string
	Modes                     map[classifiers.Kind]policies.Mode
}

// Options are the parts of an engine. All but Progress are needed.
type Options struct {
	Replica   string // unique to this life of this process
	Alone     bool   // no other process can share the store: an intent of another writer is of a dead one
	Ledger    Ledger
	Sights    Sights
	Others    Others
	Planner   Planner
	Decider   policies.Decider
	Catalog   responders.Catalog
	Clusters  map[string]Cluster
	Terms     incident.Terms
	Promises  protection.Promises
	Limits    policies.Limits
	StormSpan time.Duration // nodes lost within it count together
	Clock     clock.Clock   // of the wall, for deadlines and for how far the view lags
	Log       *slog.Logger

	// Progress is told how far the step of that index, or behind the last the checks, have come: "12 of 38 workloads replaced". For each
	// incident it is called one at a time, and at most twice a second until the step is through; it must return at once. Nil is allowed.
	Progress func(id incident.ID, step int, text string)
}

// Engine makes moves. It is safe for concurrent use.
type Engine struct {
	Options

	mu      sync.Mutex
	looked  map[incident.ID]time.Time // when a plan was last worked out in vain
	held    map[incident.ID]holding   // what last held a step
	stood   standing                  // as it was last read
	running map[incident.ID]running   // what can be interrupted
}

// New makes an engine.
func New(opt Options) *Engine {
	return &Engine{Options: opt, looked: map[incident.ID]time.Time{}, held: map[incident.ID]holding{}, running: map[incident.ID]running{}}
}

// viewLag is how far the view may lag behind the clock for a judgement that leads to an effect.
const viewLag = 5 * time.Second

// errRests ends a turn: the incident is looked at again when its timer fires.
var errRests = errors.New("nothing more is to be done now")

// errBehind asks for the move to be tried again: this replica's view has not reached what others judged by.
var errBehind = errors.New("the view is behind")

// Move loads an incident and makes the moves that are due, see MoveOn.
func (e *Engine) Move(ctx context.Context, id incident.ID) error {
	inc, err := e.Ledger.Load(ctx, id)
	if err != nil {
		return fmt.Errorf("load incident %s: %w", id.Name(), err)
	}
	return e.MoveOn(ctx, inc)
}

// MoveOn makes the moves of an incident that are due, one after the other, until it rests, waits or is held back. It is safe to
// call at any time and any number of times, also with an incident that has changed meanwhile: the first record is then refused.
// The caller sees to it that moves of one incident never run side by side in one process. An error asks for another try later.
//
// Each move is recorded before the next is looked for, so a death between two is what a death between two deliveries is: the
// delivery of the last record makes some replica go on.
func (e *Engine) MoveOn(ctx context.Context, inc *incident.Incident) (err error) {
	for recorded := true; recorded && err == nil; {
		before := inc.Seq
		err = e.move(ctx, inc)
		recorded = inc.Seq != before
	}
	switch {
	case errors.Is(err, ledger.ErrLost):
		e.Log.Debug("another replica moved first", "incident", inc.Name())
		return nil
	case errors.Is(err, errRests):
		return nil
	}
	return err
}

// move makes the next move, which records something, or waits.
func (e *Engine) move(ctx context.Context, inc *incident.Incident) error {
	look, err := e.look(inc)
	if err != nil {
		return err
	}
	return e.make(ctx, inc, look, inc.Upcoming(look.Sight, e.Terms))
}

func (e *Engine) look(inc *incident.Incident) (pipeline.Look, error) {
	look := e.Sights.Look(inc)
	if look.Seq < inc.ViewSeq {
		return look, fmt.Errorf("move %s: %w: at event %d, judged at %d", inc.Name(), errBehind, look.Seq, inc.ViewSeq)
	}
	if lag := e.Clock.Now().Sub(look.Sight.Now); lag > viewLag {
		return look, fmt.Errorf("move %s: %w: by %s", inc.Name(), errBehind, lag.Round(time.Second))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	look.Sight.Looked = e.looked[inc.ID]
	return look, nil
}

func (e *Engine) make(ctx context.Context, inc *incident.Incident, look pipeline.Look, move incident.Move) error {
	switch move.Do {
	case incident.Wait:
		return e.wake(ctx, inc, move.Until.Sub(look.Sight.Now))
	case incident.Append:
		return e.append(ctx, inc, look, move.Record)
	case incident.Decide:
		return e.decide(ctx, inc, look, move.Phase)
	case incident.Step:
		return e.step(ctx, inc, look)
	case incident.Resume:
		return e.resume(ctx, inc, look)
	case incident.Check:
		return e.check(ctx, inc, look)
	}
	return nil
}

// append writes one record, judged at the given look, and folds it into inc. The last record of an incident ends its locks
// and its share of the budget; one that ends the work on its targets, well or not, ends its share, as does one of an incident that
// nobody works on and that still holds something, since who claimed it was lost.
func (e *Engine) append(ctx context.Context, inc *incident.Incident, look pipeline.Look, rec incident.Record) error {
	rec.At, rec.ViewSeq = look.Sight.Now, look.Seq
	write := e.Ledger.Append
	switch next, err := inc.Leads(rec); {
	case err != nil:
		return fmt.Errorf("record %s of %s: %w", rec.Kind, inc.Name(), err)
	case next == incident.Ended:
		write = e.Ledger.Close
	case !next.Working() && (inc.Working() || e.holds(inc.ID)):
		write = e.Ledger.AppendReleasing
	}
	if _, err := write(ctx, inc, rec); err != nil {
		return fmt.Errorf("record %s of %s: %w", rec.Kind, inc.Name(), err)
	}
	e.recorded(inc, rec)
	return nil
}

// holds says whether an incident is known to have a share of the budget.
func (e *Engine) holds(id incident.ID) bool { return len(e.Ledger.KnownBudget().Of(id).Entries) > 0 }

// recorded notes what became of an incident by a record.
func (e *Engine) recorded(inc *incident.Incident, rec incident.Record) {
	e.told(inc, rec)
	if !inc.Working() {
		e.unheld(inc.ID)
	}
	if !inc.Live() {
		e.forget(inc.ID)
	}
}

// forget lets go of what is remembered of an incident that has ended.
func (e *Engine) forget(id incident.ID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.looked, id)
}

func (e *Engine) told(inc *incident.Incident, rec incident.Record) {
	e.Log.Info("incident moved", "incident", inc.Name(), "record", rec.Kind, "state", inc.State, "why", rec.Text)
}

// wake sets the timer of the incident.
func (e *Engine) wake(ctx context.Context, inc *incident.Incident, after time.Duration) error {
	return e.Ledger.SetTimer(ctx, ledger.Timer{ID: string(inc.ID), Incident: inc.ID, ForSeq: inc.Seq, At: e.Clock.Now().Add(after)})
}

// again asks for another look after the retry time, and ends the turn.
func (e *Engine) again(ctx context.Context, inc *incident.Incident) error {
	if err := e.wake(ctx, inc, e.Terms.Retry); err != nil {
		return err
	}
	return errRests
}
