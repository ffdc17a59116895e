package recovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/clock"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/ledger/memory"
	"github.com/salvor-io/salvor/internal/pipeline"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// stage is an engine among doubles: a ledger in memory, a view of one node, a planner, a policy and one responder that do as
// they are told. It is used within a synctest bubble, whose clock is both the wall's and the view's.
type stage struct {
	t *testing.T
	*Engine
	*book

	finding *classifiers.Finding                // what is seen of the fault
	said    map[string]classifiers.DeclaredView // what people declared in the cluster
	lag     time.Duration                       // of the view
	blind   bool
	verdict func(policies.Question) policies.Verdict
	asks    policies.Asks // where the verdict asks
	asked   []policies.Question
	broken  error // policy cannot be asked
	steps   int   // of a plan
	done    int   // of them, there is nothing left to do
	planErr error
	since   time.Time              // since when what the last plan is for is broken
	plans   func(*responders.Plan) // changes a plan before it is sealed
	books   []string               // the runbooks that there are

	applied []string // steps, in the order in which they took effect
	apply   func(ctx context.Context, step string) error
	found   func() responders.Finding
}

var fault = classifiers.Fault{Kind: classifiers.KindNode, Cluster: "prod", Anchor: classifiers.Anchor{Kind: "node", Name: "w1", UID: "uid-1"},
	Scope: classifiers.Scope{Nodes: []string{"w1"}, Zones: []string{"a"}}, Sentence: "w1 is silent"}

func newStage(t *testing.T) *stage {
	s := &stage{t: t, book: newBook(t, "me"), books: []string{"book"}, steps: 2, finding: &classifiers.Finding{Fault: fault},
		verdict: func(policies.Question) policies.Verdict { return policies.Act },
		asks:    policies.Asks{Needs: []policies.Need{{Groups: []string{"sre"}, Votes: 1, EscalateTo: []string{"leads"}}}, Votes: 1, WithinS: 600, OnTimeout: "escalate", EscalateTo: []string{"leads"}},
		found:   func() responders.Finding { return responders.Finding{Outcome: responders.OutcomeVerified} }}
	catalog, err := responders.NewCatalog(s)
	if err != nil {
		t.Fatal(err)
	}
	s.Engine = New(Options{Replica: "me", Ledger: s.book, Sights: s, Others: those{known: true}, Planner: s, Decider: s, Catalog: catalog,
		Clusters: map[string]Cluster{"prod": {Name: "prod", Modes: map[classifiers.Kind]policies.Mode{classifiers.KindNode: policies.ModeAct}}},
		Terms:    incident.Terms{Retry: 15 * time.Second, Healthy: time.Minute, Attempts: 2, Flaps: 3},
		Limits:   policies.Limits{NodesPerZone: 1, FleetShare: 1, Attempts: 2}, Clock: clock.Wall{}, Log: slog.New(slog.DiscardHandler)})
	return s
}

// opened is an incident whose fault is confirmed.
func (s *stage) opened() incident.ID {
	s.t.Helper()
	return s.book.open("me", fault).ID
}

// moves makes the moves that are due and returns the incident.
func (s *stage) moves(id incident.ID) *incident.Incident {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Hour)
	defer cancel()
	if err := s.Move(ctx, id); err != nil {
		s.t.Fatal(err)
	}
	return s.now(id)
}

// kinds are the records of an incident.
func kinds(inc *incident.Incident) []incident.RecordKind {
	var out []incident.RecordKind
	for _, rec := range inc.History {
		out = append(out, rec.Kind)
	}
	return out
}

// Look implements Sights.
func (s *stage) Look(*incident.Incident) pipeline.Look {
	return pipeline.Look{Seq: 7, Sight: incident.Sight{Now: time.Now().Add(-s.lag), Blind: s.blind, Finding: s.finding}}
}

// Ask implements Sights.
func (s *stage) Ask(f func(*classifiers.View)) {
	v := classifiers.NewView(nil)
	v.Now = time.Now()
	n := &classifiers.NodeView{}
	n.Name, n.UID, n.Zone = "w1", "uid-1", "a"
	v.Clusters["prod"] = &classifiers.Cluster{Name: "prod", Nodes: map[string]*classifiers.NodeView{"w1": n}, Observers: map[string]classifiers.ObserverView{},
		Declared: s.said}
	for _, watch := range classifiers.Watches(classifiers.KindNode) {
		v.Clusters["prod"].Observers[watch] = classifiers.ObserverView{Observer: events.Observer{Watch: watch, Seeing: true, Synced: true}, At: v.Now}
	}
	f(v)
}

// OpenedSince implements Sights.
func (s *stage) OpenedSince(incident.Key, time.Time) int { return 0 }

// Runbooks implements Planner.
func (s *stage) Runbooks(classifiers.Kind) []string { return s.books }

// About implements Planner.
func (s *stage) About(classifiers.Fault) []string { return s.books }

// Plan implements Planner.
func (s *stage) Plan(_ context.Context, runbook string, phase incident.Phase, _ *incident.Incident, env responders.Env) (responders.Plan, error) {
	s.since = env.Broken
	if s.planErr != nil {
		return responders.Plan{}, s.planErr
	}
	p := responders.Plan{Runbook: runbook, Cluster: env.Cluster}
	for n := range s.steps {
		p.Steps = append(p.Steps, responders.Step{Name: fmt.Sprint(phase, "-", n), DeadlineS: 30, Change: responders.Change{Responder: "test.do",
			Class: policies.Disruptive, Will: []string{"do it"}, Targets: []policies.Target{{Kind: "Node", Name: "w1", UID: "uid-1", Zone: "a"}}}})
	}
	for n := range s.done {
		p.Steps[n].Change.Nothing, p.Steps[n].Change.Targets = true, p.Steps[n].Change.Targets[:0]
	}
	if phase == incident.PhaseRecover {
		p.Checks = []responders.Check{{Name: "check", SettleS: 10, DeadlineS: 60, Change: responders.Change{Responder: "test.do"}}}
	}
	if s.plans != nil {
		s.plans(&p)
	}
	return p.Seal()
}

// Decide implements policies.Decider: what the verdict function says, held by Salvor's own brakes.
func (s *stage) Decide(ctx context.Context, q policies.Question) (policies.Decision, error) {
	s.asked = append(s.asked, q)
	if s.broken != nil {
		return policies.Judge{Engine: mute{s.broken}}.Decide(ctx, q)
	}
	d := policies.Decision{Verdict: s.verdict(q), Reasons: []policies.Reason{{Text: "the test says so", Rule: "test"}}}
	if held := policies.Brakes(q); len(held) > 0 {
		d.Verdict, d.Held = policies.Deny, held
	}
	if d.Verdict == policies.Ask {
		asks := s.asks
		d.Asks = &asks
	}
	return d, nil
}

// mute is an engine that answers with an error.
type mute struct{ error }

func (m mute) Ask(context.Context, policies.Question) (policies.Said, error) {
	return policies.Said{}, m
}

func (m mute) Unwrap() error { return m.error }

// Spec implements responders.Responder.
func (s *stage) Spec() responders.Spec { return responders.Spec{Name: "test.do"} }

// Preview implements responders.Responder.
func (s *stage) Preview(context.Context, responders.Env, responders.Args) (responders.Change, error) {
	return responders.Change{}, errors.New("nobody previews here")
}

// Apply implements responders.Responder.
func (s *stage) Apply(ctx context.Context, env responders.Env, _ responders.Change) error {
	if s.apply != nil {
		if err := s.apply(ctx, env.Step); err != nil {
			return err
		}
	}
	if err := responders.Guard(ctx); err != nil {
		return err
	}
	s.applied = append(s.applied, env.Step)
	return nil
}

// Verify implements responders.Responder.
func (s *stage) Verify(context.Context, responders.Env, responders.Change) (responders.Finding, error) {
	return s.found(), nil
}

// book is a ledger in memory that can be made to fail, and that rivals write to as well.
type book struct {
	*memory.Ledger
	t     *testing.T
	store *memory.Store
	other *incident.Incident // see another

	pauseErr error                 // pauses cannot be read
	storeErr error                 // decisions cannot be stored
	gateErr  error                 // what the gate was asked cannot be stored beside an intent
	rival    func(incident.Record) // called before a record is appended that is no decision to act and no end
}

func newBook(t *testing.T, writer string) *book {
	store := memory.New(memory.Options{Now: time.Now})
	return &book{Ledger: store.Writer(writer), t: t, store: store, rival: func(incident.Record) {}}
}

// put appends a record as its writer does.
func (b *book) put(id incident.ID, rec incident.Record) {
	b.t.Helper()
	if _, err := b.store.Writer(rec.Writer).Append(b.t.Context(), b.now(id), rec); err != nil {
		b.t.Fatal(err)
	}
}

func (b *book) now(id incident.ID) *incident.Incident {
	b.t.Helper()
	inc, err := b.Load(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return inc
}

// holding is what an incident holds.
func (b *book) holding(id incident.ID) ledger.Holding {
	b.t.Helper()
	budget, err := b.store.Writer("who looks").Budget(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return budget.Of(id)
}

// takes makes a rival claim a node for an incident, with its share of the budget where a zone is named.
func (b *book) takes(inc *incident.Incident, node, zone string) {
	b.t.Helper()
	claim := ledger.Claim{Targets: []policies.Target{{Kind: "Node", Name: node}}}
	if zone != "" {
		claim.Entries = []ledger.Entry{{Cluster: "prod", Zone: zone, Node: node}}
	}
	if _, err := b.store.Writer("rival").Decide(b.t.Context(), inc, nil, &claim); err != nil {
		b.t.Fatal(err)
	}
}

// another is the incident of another node, which a rival opens.
func (b *book) another() *incident.Incident {
	b.t.Helper()
	if b.other == nil {
		elsewhere := fault
		elsewhere.Anchor.Name, elsewhere.Anchor.UID = "w9", "uid-9"
		b.other = b.open("rival", elsewhere)
	}
	return b.other
}

// anotherEnds closes it, which frees what it holds.
func (b *book) anotherEnds() {
	b.t.Helper()
	b.put(b.other.ID, incident.Record{Kind: incident.Cleared, Writer: "rival"})
	if _, err := b.store.Writer("rival").Close(b.t.Context(), b.now(b.other.ID), incident.Record{Kind: incident.Closed}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *book) open(writer string, f classifiers.Fault) *incident.Incident {
	b.t.Helper()
	key := incident.KeyOf(f)
	inc, err := b.store.Writer(writer).OpenIncident(b.t.Context(), incident.Record{Kind: incident.Opened, At: time.Now(), Key: &key, Fault: &f}, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	return inc
}

func (b *book) pause() {
	b.t.Helper()
	if err := b.store.SetPause(pause()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *book) unpause() {
	b.t.Helper()
	if err := b.store.EndPause(pause()); err != nil {
		b.t.Fatal(err)
	}
}

// Append implements Ledger.
func (b *book) Append(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error) {
	b.rival(rec)
	return b.Ledger.Append(ctx, inc, rec)
}

// AppendIntent implements Ledger.
func (b *book) AppendIntent(ctx context.Context, inc *incident.Incident, rec incident.Record, claim ledger.Claim, doc any) (uint64, error) {
	b.rival(rec)
	seq, err := b.Ledger.AppendIntent(ctx, inc, rec, claim, doc)
	if err == nil && b.gateErr != nil {
		return 0, b.gateErr
	}
	return seq, err
}

// AppendAsked implements Ledger.
func (b *book) AppendAsked(ctx context.Context, inc *incident.Incident, rec incident.Record, doc any) (uint64, error) {
	b.rival(rec)
	return b.Ledger.AppendAsked(ctx, inc, rec, doc)
}

// AppendReleasing implements Ledger.
func (b *book) AppendReleasing(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error) {
	b.rival(rec)
	return b.Ledger.AppendReleasing(ctx, inc, rec)
}

// Decide implements Ledger.
func (b *book) Decide(ctx context.Context, inc *incident.Incident, doc any, claim *ledger.Claim) (incident.Asked, error) {
	if b.storeErr != nil {
		return incident.Asked{}, b.storeErr
	}
	return b.Ledger.Decide(ctx, inc, doc, claim)
}

// Pauses implements Ledger.
func (b *book) Pauses(ctx context.Context) ([]policies.Pause, error) {
	if b.pauseErr != nil {
		return nil, b.pauseErr
	}
	return b.Ledger.Pauses(ctx)
}
