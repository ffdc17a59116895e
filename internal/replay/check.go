package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/clock"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/judging"
	"github.com/salvor-io/salvor/internal/ledger/memory"
	"github.com/salvor-io/salvor/internal/pipeline"
	"github.com/salvor-io/salvor/internal/recovery"
)

// about is how much sooner a fault may be found than it was: ticks of which nothing is kept are made up to the second.
const about = 5 * time.Second

// maxOdd bounds how much is told of what could not be read.
const maxOdd = 20

// Check judges a recording again by a configuration, nil being its own with the policies and runbooks that it brings; another one
// brings its own, where it names any. It reads the events, and so is called once for a file.
//
// The incidents come to the states that they really came to: their records are taken in at the events at which they were judged. What
// was judged there is judged again and compared. What the world did, such as how a step ended, is taken as it was.
func (f *File) Check(ctx context.Context, cfg *config.Config) (*Report, error) {
	c, err := f.checker(ctx, cfg)
	if err != nil {
		return nil, err
	}
	for {
		ev, err := f.Event()
		if errors.Is(err, io.EOF) {
			return c.end(), nil
		}
		if err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if ev.Seq <= c.seq {
			return nil, fmt.Errorf("%s line %d: event %d comes after event %d: the file was changed since it was exported", sectionEvents, f.events.n, ev.Seq, c.seq)
		}
		c.event(ctx, ev)
	}
}

func (f *File) checker(ctx context.Context, cfg *config.Config) (*checker, error) {
	judges, books, world, err := f.court(ctx, cfg)
	if err != nil {
		return nil, err
	}
	c := &checker{file: f, world: world, due: inOrder(f.Incidents), incidents: map[incident.ID]*incident.Incident{},
		live: map[incident.Key]bool{}, wishes: map[incident.Key]incident.Record{}, also: map[incident.Key]incident.Record{}, otherwise: map[incident.ID]bool{},
		report: Report{From: f.From, To: f.To}}
	log := slog.New(slog.DiscardHandler)
	c.pipeline = judges.Pipeline(c, func(incident.ID) {}, func(*incident.Incident) {}, log)
	at := clock.NewVirtual(f.From)
	c.engine = judges.Engine(judging.World{Replica: "replay", Ledger: memory.New(memory.Options{Now: at.Now}).Writer("replay"), Sights: c.pipeline,
		Others: world, Books: books, Clock: at}, log)
	world.view = c.pipeline.Ask
	return c, nil
}

// inOrder are the records in the order of the events they were judged at, those of an incident in their own.
func inOrder(records []incident.Sequenced) []incident.Sequenced {
	out := slices.Clone(records)
	slices.SortStableFunc(out, func(a, b incident.Sequenced) int { return cmp.Compare(a.Seq, b.Seq) })
	reached := map[incident.ID]uint64{}
	at := map[uint64]uint64{} // by Seq, the event that the incident had reached
	for _, rec := range out {
		reached[rec.Incident] = max(reached[rec.Incident], rec.ViewSeq)
		at[rec.Seq] = reached[rec.Incident]
	}
	slices.SortStableFunc(out, func(a, b incident.Sequenced) int { return cmp.Compare(at[a.Seq], at[b.Seq]) })
	return out
}

// checker judges one recording.
type checker struct {
	file     *File
	world    *paper
	pipeline *pipeline.Pipeline
	engine   *recovery.Engine

	due       []incident.Sequenced // records that are not taken in yet
	incidents map[incident.ID]*incident.Incident
	live      map[incident.Key]bool            // of which one is open
	wishes    map[incident.Key]incident.Record // what the pipeline wanted to open at this event
	also      map[incident.Key]incident.Record // what it wanted to open first, and nobody has
	otherwise map[incident.ID]bool             // incidents whose plan in force would not have been started
	begun     bool                             // the span is reached
	seq       uint64                           // of the event that was folded last
	report    Report
}

// errNoted is the answer to whoever wants to open an incident: nothing is opened but what was.
var errNoted = errors.New("noted, and not opened")

// OpenIncident implements pipeline.Ledger.
func (c *checker) OpenIncident(_ context.Context, first incident.Record, _ uint64) (*incident.Incident, error) {
	c.wishes[*first.Key] = first
	return nil, errNoted
}

// event folds an event, and takes in what was recorded at it.
func (c *checker) event(ctx context.Context, ev events.Recorded) {
	if !c.begun && !ev.At.Before(c.file.From) {
		c.begin(ctx)
	}
	if c.report.Events++; ev.Source == MadeUp {
		c.report.MadeUp++
	}
	c.seq = ev.Seq
	if err := c.pipeline.Fold(ctx, ev); err != nil {
		c.odd(fmt.Sprintf("event %d, %s: %v", ev.Seq, ev.ID, err))
	}
	for judged := !c.begun; len(c.due) > 0 && c.due[0].ViewSeq <= ev.Seq; {
		rec := c.due[0]
		c.due = c.due[1:]
		if !judged && c.began(rec) {
			c.pipeline.Start(ctx)
			judged = true
		}
		c.take(ctx, rec)
	}
	c.unopened()
}

// began says that a replica began to judge at this event: what it recorded is an opening, or a move, that nothing that was judged before
// leads to. The first judgement of a life is made at no event in particular.
func (c *checker) began(rec incident.Sequenced) bool {
	if rec.ViewSeq != c.seq {
		return false
	}
	switch rec.Kind {
	case incident.Opened:
		_, wished := c.wishes[keyOf(rec)]
		return !wished
	case incident.Confirmed, incident.Recurred, incident.Cleared, incident.Handed, incident.Reminded, incident.Escalated, incident.Expired, incident.Closed:
		inc := c.incidents[rec.Incident]
		if inc == nil {
			return false
		}
		sight := c.pipeline.Look(inc).Sight
		move := inc.Upcoming(sight, c.engine.Terms)
		if rec.Kind == incident.Handed && (move.Do == incident.Decide || move.Do == incident.Step) {
			return false
		}
		return move.Record.Kind != rec.Kind && (rec.Kind != incident.Cleared || !sight.Gone())
	}
	return false
}

// keyOf is the key that a record brings, if any.
func keyOf(rec incident.Sequenced) incident.Key {
	if rec.Key == nil {
		return incident.Key{}
	}
	return *rec.Key
}

// begin ends the history: what was recorded until here is as it was, and judgements are made from now on.
func (c *checker) begin(ctx context.Context) {
	c.begun = true
	c.pipeline.Start(ctx)
	c.unopened()
}

// take compares a record with what is judged now, where it is a judgement made at this event, and then takes it in. An incident with
// a record that does not fit is left alone from there on.
func (c *checker) take(ctx context.Context, rec incident.Sequenced) {
	inc := c.incidents[rec.Incident]
	if inc == nil {
		inc = &incident.Incident{}
		c.incidents[rec.Incident] = inc
	}
	if err := inc.Admits(rec.Record); err != nil {
		c.odd(fmt.Sprintf("incident %s, record %d: %v", rec.Incident.Name(), rec.Seq, err))
		return
	}
	switch {
	case !c.begun || !judgement(rec.Kind):
	case rec.ViewSeq != c.seq:
		c.report.Missed++
	default:
		c.compare(ctx, inc, rec)
	}
	if err := errors.Join(inc.Apply(rec), c.pipeline.Record(rec)); err != nil {
		c.odd(err.Error())
		return
	}
	delete(c.also, inc.Key)
	if c.live[inc.Key] = inc.Live(); !inc.Live() {
		delete(c.live, inc.Key)
	}
}

// unopened keeps what the pipeline wanted to open at this event and was not opened.
func (c *checker) unopened() {
	for key, wish := range c.wishes {
		if _, known := c.also[key]; !known && !c.live[key] {
			c.also[key] = wish
		}
	}
	clear(c.wishes)
}

func (c *checker) odd(text string) {
	if len(c.report.Odd) < maxOdd {
		c.report.Odd = append(c.report.Odd, text)
	}
}

// end tells of what would also have been opened. What was found in the last seconds may have been opened after them.
func (c *checker) end() *Report {
	for _, rec := range c.due {
		if judgement(rec.Kind) {
			c.report.Missed++
		}
	}
	now := c.pipeline.Time()
	for key, wish := range c.also {
		if now.Sub(wish.At) > about {
			c.report.add(Judged{At: wish.At, Cluster: key.Cluster, Anchor: string(wish.Fault.Kind) + " " + wish.Fault.Anchor.String(), What: aFault,
				Recorded: "nothing was opened", Now: "would also have been opened: " + wish.Text}, "", wish)
		}
	}
	c.report.finish()
	return &c.report
}
