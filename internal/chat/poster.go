package chat

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/salvor-io/salvor/internal/card"
	"github.com/salvor-io/salvor/internal/incident"
)

// Options are the parts of a Poster. All of them are needed but Meter.
type Options struct {
	Replica   string // this life of this replica
	Alone     bool   // no other process can share the ledger: whoever else holds a message is dead
	Routes    []Route
	Incidents func() []incident.Incident // all that are known
	Words     func(*incident.Incident) card.Words
	Ledger    Ledger
	Lost      error // what keeping a place wraps that another came before
	Clock     func() time.Time
	Pace      time.Duration // between two calls to one channel, 0 for what Slack takes
	Meter     Meter
	Log       *slog.Logger
}

// Meter counts what is said to chat, and what of it was not taken.
type Meter interface {
	Said(channel, call string, err error)
}

// Poster keeps channels up with the incidents.
type Poster struct{ boards []*board }

// New makes a poster. Without routes it does nothing.
func New(opt Options) *Poster {
	p := &Poster{}
	if opt.Pace == 0 {
		opt.Pace = pace
	}
	for _, route := range opt.Routes {
		p.boards = append(p.boards, &board{Options: opt, route: route, entries: map[incident.ID]*entry{}, wake: make(chan struct{}, 1)})
	}
	return p
}

// Wake says that something has changed. It never blocks.
func (p *Poster) Wake() {
	for _, b := range p.boards {
		select {
		case b.wake <- struct{}{}:
		default:
		}
	}
}

// Run shows incidents until ctx ends. What a chat does not take is said again later: Run returns no error.
func (p *Poster) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, b := range p.boards {
		group.Go(func() error { return b.run(ctx) })
	}
	<-ctx.Done()
	return group.Wait()
}
