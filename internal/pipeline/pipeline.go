// Package pipeline folds what was seen into a view, classifies it at each tick, opens incidents for new findings, and says
// which incidents have to be looked at because they are new or what is seen of their fault has changed.
//
// It makes one judgement only, that a finding is a new fault: it has persisted through its window, and no wider one explains it.
// All others are moves of the incident (see package incident) that the recovery engine makes. Every replica runs a pipeline of its
// own over the same stream; the ledger lets one of them open.
package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
)

// Ledger is what the pipeline needs of the ledger of incidents.
type Ledger interface {
	// OpenIncident appends the first record of an incident, after the record with which the last incident of the same key ended
	// as far as the pipeline knows, 0 being none. An incident of that key that is already open makes it an error that is not to
	// be retried; the pipeline learns of it through Record.
	OpenIncident(ctx context.Context, first incident.Record, after uint64) (*incident.Incident, error)
}

// Options are the parts of a pipeline.
type Options struct {
	Classifiers []classifiers.Classifier
	Alerts      classifiers.AlertReader // says what alerts mean
	Ledger      Ledger
	Kick        func(incident.ID)        // says that the incident's next move is to be looked for; must not block
	Opened      func(*incident.Incident) // the same of one that this pipeline has just opened, which it does not keep
	Keep        time.Duration            // how long an incident that has ended is still known, by the time of the view
	Log         *slog.Logger
}

// Pipeline is the view of one replica with its judgements. Its methods are safe for concurrent use.
type Pipeline struct {
	Options

	mu       sync.Mutex
	view     *classifiers.View
	findings map[incident.Key]*classifiers.Finding
	live     map[incident.Key]*tracked
	byID     map[incident.ID]*incident.Incident
	endedAt  map[incident.ID]time.Time // when the ledger took in the end of those of byID that have ended
	lastEnd  map[incident.Key]uint64   // the last record of the last of those
	judging  bool                      // history was folded: judgements may be made
	judged   time.Time                 // when the last was made, by the time of the view
}

// tracked is a live incident and what was last seen of its fault.
type tracked struct {
	id   incident.ID
	seen sightMark
	away time.Time // when it was first not found though nobody who would have to say so is blind; zero while that is not so
}

// sightMark is what makes an incident worth looking at when it changes.
type sightMark struct{ known, blind, found, standing, under bool }

// sees notes what is seen now of the fault.
func (t *tracked) sees(mark sightMark, now time.Time) {
	t.seen = mark
	switch gone := !mark.found && !mark.blind; {
	case !gone:
		t.away = time.Time{}
	case t.away.IsZero():
		t.away = now
	}
}

// New makes a pipeline with an empty view.
func New(opt Options) *Pipeline {
	return &Pipeline{Options: opt, view: classifiers.NewView(opt.Alerts), findings: map[incident.Key]*classifiers.Finding{},
		live: map[incident.Key]*tracked{}, byID: map[incident.ID]*incident.Incident{}, endedAt: map[incident.ID]time.Time{}, lastEnd: map[incident.Key]uint64{}}
}

// Fold takes in one event of the log. It fails only on events that can never be decoded.
func (p *Pipeline) Fold(ctx context.Context, ev events.Recorded) error {
	fresh, kicks, err := p.fold(ev)
	p.follow(ctx, fresh, kicks)
	return err
}

// Start says that all history was folded, of the log and of the ledger. From now on judgements are made, the first at once:
// nothing can be looked at before it.
func (p *Pipeline) Start(ctx context.Context) {
	p.mu.Lock()
	p.judging = true
	p.forgetEnded()
	fresh, kicks := p.judge()
	p.mu.Unlock()
	p.follow(ctx, fresh, kicks)
}

// follow does what a judgement calls for.
func (p *Pipeline) follow(ctx context.Context, fresh []opening, kicks []incident.ID) {
	for _, f := range fresh {
		p.open(ctx, f)
	}
	for _, id := range kicks {
		p.Kick(id)
	}
}

func (p *Pipeline) fold(ev events.Recorded) (fresh []opening, kicks []incident.ID, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	err = p.view.Fold(ev)
	switch {
	case errors.Is(err, classifiers.ErrIgnored):
		p.Log.Debug("event ignored", "event", ev.ID, "reason", err)
		err = nil
	case err != nil:
		return nil, nil, err
	}
	if ev.Type == events.TypeTick {
		p.forgetEnded()
	}
	if !p.judging || !judged(ev.Type) || ev.Type != events.TypeTick && p.busy() {
		return nil, nil, err
	}
	fresh, kicks = p.judge()
	return fresh, kicks, err
}

// judged says whether events of the type can change what is found. Alerts and observers wait for the next tick.
func judged(t events.Type) bool {
	return t == events.TypeTick || t == events.TypeNode || t == events.TypeLease
}

// busy says that many nodes are lost and it was judged a moment ago: the next tick is soon enough.
func (p *Pipeline) busy() bool {
	const many, moment = 100, 250 * time.Millisecond
	lost := 0
	for _, c := range p.view.Clusters {
		lost += len(c.Lost)
	}
	return lost > many && p.view.Now.Sub(p.judged) < moment
}

// opening is an incident that is to be opened, as of one moment of the view.
type opening struct {
	finding classifiers.Finding
	at      time.Time
	seq     uint64
	after   uint64 // see Ledger.OpenIncident
}

// judge classifies the view and compares what it finds with the live incidents. The caller holds the lock.
func (p *Pipeline) judge() (fresh []opening, kicks []incident.ID) {
	p.findings, p.judged = map[incident.Key]*classifiers.Finding{}, p.view.Now
	wide, room := p.wide(), p.crowd()
	for _, f := range classifiers.Classify(p.view, p.Classifiers) {
		for i := 0; f.Under == nil && i < len(wide); i++ {
			if classifiers.Explains(*wide[i], f.Fault) {
				f.Under = wide[i]
			}
		}
		key := incident.KeyOf(f.Fault)
		p.findings[key] = &f
		if _, open := p.live[key]; !open && f.Under == nil && f.Lasted(p.view.Now) && room[key.Cluster+"/"+key.Kind] < maxLive {
			room[key.Cluster+"/"+key.Kind]++
			o := opening{f, p.view.Now, p.view.Seq, p.lastEnd[key]}
			o.finding.Fault = classifiers.Recorded(p.view, p.Classifiers, f.Fault)
			fresh = append(fresh, o)
		}
	}
	for key, t := range p.live {
		if mark := p.mark(key, t.id); mark != t.seen {
			t.sees(mark, p.view.Now)
			kicks = append(kicks, t.id)
		}
	}
	return fresh, kicks
}

// maxLive is how many incidents of one kind may live in one cluster. What is found beyond waits until one of them is closed.
const maxLive = 200

// crowd counts the live incidents, by "cluster/kind".
func (p *Pipeline) crowd() map[string]int {
	out := map[string]int{}
	for key := range p.live {
		out[key.Cluster+"/"+key.Kind]++
	}
	return out
}

// wide are the faults of live incidents that can explain narrower ones. They do until they are closed, also while what is seen of
// them fades: what is left of a zone that comes back is not at once a fault of its own.
func (p *Pipeline) wide() []*classifiers.Fault {
	var out []*classifiers.Fault
	for key, t := range p.live {
		inc := p.byID[t.id]
		if inc == nil || inc.State == incident.Standing || key.Kind == string(classifiers.KindNode) && !inc.Fault.Storms() {
			continue
		}
		out = append(out, &inc.Fault)
	}
	slices.SortFunc(out, func(a, b *classifiers.Fault) int { return cmp.Compare(a.Anchor.String(), b.Anchor.String()) })
	return out
}

func (p *Pipeline) mark(key incident.Key, id incident.ID) sightMark {
	finding := p.findings[key]
	mark := sightMark{known: true, found: finding != nil, blind: p.blind(id, finding)}
	mark.standing = finding != nil && finding.Standing
	mark.under = finding != nil && finding.Under != nil
	return mark
}

// blind says that nothing can be said of the incident's fault now: it is not found, and not everybody who would have to say
// that it is gone can see.
func (p *Pipeline) blind(id incident.ID, finding *classifiers.Finding) bool {
	if finding != nil {
		return false
	}
	inc, ok := p.byID[id]
	return !ok || p.view.Blind(inc.Fault)
}

// text says what was found, and for how long where that had to be waited for.
func (o opening) text() string {
	if o.finding.Window == 0 {
		return o.finding.Sentence
	}
	return fmt.Sprintf("%s; seen without a break for %s", o.finding.Sentence, o.at.Sub(o.finding.Since).Round(time.Second))
}

func (p *Pipeline) open(ctx context.Context, o opening) {
	key := incident.KeyOf(o.finding.Fault)
	inc, err := p.Ledger.OpenIncident(ctx, incident.Record{
		Kind: incident.Opened, At: o.at, ViewSeq: o.seq, Key: &key, Fault: &o.finding.Fault, Standing: o.finding.Standing,
		Text: o.text(),
	}, o.after)
	if err != nil {
		p.Log.Debug("incident not opened", "fault", o.finding.Anchor, "reason", err)
		return
	}
	p.Log.Info("incident opened", "incident", inc.Name(), "cluster", key.Cluster, "fault", o.finding.Sentence)
	p.Opened(inc)
}

// Record takes in one record of the ledger, those of one incident in order. A record that does not fit is an error: this replica
// keeps its hands off that incident.
func (p *Pipeline) Record(rec incident.Sequenced) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	inc, ok := p.byID[rec.Incident]
	if !ok {
		inc = &incident.Incident{}
	}
	if err := inc.Apply(rec); err != nil {
		return fmt.Errorf("follow the ledger: %w", err)
	}
	p.byID[rec.Incident] = inc
	if !inc.Live() {
		if t, ok := p.live[inc.Key]; ok && t.id == inc.ID {
			delete(p.live, inc.Key)
		}
		p.ended(inc, rec.StoredAt)
		return nil
	}
	if rec.Kind == incident.Opened { // the rest of an earlier incident of the same key may come later, see ledger.Follow
		p.live[inc.Key] = &tracked{id: inc.ID}
	}
	return nil
}
