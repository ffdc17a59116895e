package recovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/clock"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
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

	finding *classifiers.Finding // what is seen of the fault
	lag     time.Duration        // of the view
	blind   bool
	verdict func(policies.Question) policies.Verdict
	asked   []policies.Question
	broken  error // policy cannot be asked
	steps   int   // of a plan
	planErr error

	applied []string // steps, in the order in which they took effect
	apply   func(ctx context.Context, step string) error
	found   func() responders.Finding
}

var fault = classifiers.Fault{Kind: classifiers.KindNode, Cluster: "prod", Anchor: classifiers.Anchor{Kind: "node", Name: "w1", UID: "uid-1"},
	Scope: classifiers.Scope{Nodes: []string{"w1"}, Zones: []string{"a"}}, Sentence: "w1 is silent"}

func newStage(t *testing.T) *stage {
	s := &stage{t: t, book: newBook("me"), steps: 2, finding: &classifiers.Finding{Fault: fault},
		verdict: func(policies.Question) policies.Verdict { return policies.Act },
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
	key := incident.KeyOf(fault)
	id := incident.IDOf(key, 1)
	s.put(id, incident.Record{Kind: incident.Opened, At: time.Now(), Key: &key, Fault: &fault})
	return id
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
	v.Clusters["prod"] = &classifiers.Cluster{Name: "prod", Nodes: map[string]*classifiers.NodeView{"w1": n}}
	f(v)
}

// OpenedSince implements Sights.
func (s *stage) OpenedSince(incident.Key, time.Time) int { return 0 }

// Runbooks implements Planner.
func (s *stage) Runbooks(classifiers.Kind) []string { return []string{"book"} }

// Plan implements Planner.
func (s *stage) Plan(_ context.Context, runbook string, phase incident.Phase, _ *incident.Incident, env responders.Env) (responders.Plan, error) {
	if s.planErr != nil {
		return responders.Plan{}, s.planErr
	}
	p := responders.Plan{Runbook: runbook, Cluster: env.Cluster}
	for n := range s.steps {
		p.Steps = append(p.Steps, responders.Step{Name: fmt.Sprint(phase, "-", n), DeadlineS: 30, Change: responders.Change{Responder: "test.do",
			Class: policies.Disruptive, Will: []string{"do it"}, Targets: []policies.Target{{Kind: "Node", Name: "w1", UID: "uid-1", Zone: "a"}}}})
	}
	if phase == incident.PhaseRecover {
		p.Checks = []responders.Check{{Name: "check", SettleS: 10, DeadlineS: 60, Change: responders.Change{Responder: "test.do"}}}
	}
	return p.Seal()
}

// Decide implements policies.Decider: what the verdict function says, held by Salvor's own brakes.
func (s *stage) Decide(_ context.Context, q policies.Question) (policies.Decision, error) {
	s.asked = append(s.asked, q)
	if s.broken != nil {
		return policies.Silent(s.broken), s.broken
	}
	d := policies.Decision{Verdict: s.verdict(q), Reasons: []policies.Reason{{Text: "the test says so", Rule: "test"}}}
	if held := policies.Brakes(q); len(held) > 0 {
		d.Verdict, d.Held = policies.Deny, held
	}
	return d, nil
}

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

// book is a ledger in memory with the ledger's promises.
type book struct {
	writer   string
	seq      uint64
	records  map[incident.ID][]incident.Sequenced
	holdings ledger.Budget
	known    ledger.Budget // as it was read or written last
	pauses   []policies.Pause
	pauseErr error // they cannot be read
	timers   []ledger.Timer
	stored   []Stored
	storeErr error
	rival    func(incident.Record) // called before a record is appended
}

func newBook(writer string) *book {
	return &book{writer: writer, records: map[incident.ID][]incident.Sequenced{}}
}

func (b *book) put(id incident.ID, rec incident.Record) {
	b.seq++
	if rec.Nonce == "" {
		rec.Nonce = fmt.Sprint(b.seq)
	}
	rec.Schema, rec.Incident = incident.Schema, id
	if rec.Writer == "" {
		rec.Writer = b.writer
	}
	b.records[id] = append(b.records[id], incident.Sequenced{Record: rec, Seq: b.seq})
}

func (b *book) now(id incident.ID) *incident.Incident {
	inc, err := incident.Fold(slices.Clone(b.records[id]))
	if err != nil {
		panic(err)
	}
	return inc
}

// Load implements Ledger.
func (b *book) Load(_ context.Context, id incident.ID) (*incident.Incident, error) {
	return b.now(id), nil
}

// Current implements Ledger.
func (b *book) Current(_ context.Context, inc *incident.Incident) error {
	if b.now(inc.ID).Seq != inc.Seq {
		return ledger.ErrLost
	}
	return nil
}

// Append implements Ledger.
func (b *book) Append(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error) {
	if b.rival != nil {
		b.rival(rec)
	}
	if err := b.Current(ctx, inc); err != nil {
		return 0, err
	}
	if err := inc.Admits(rec); err != nil {
		return 0, err
	}
	raw, err := json.Marshal(rec) // as it is stored
	if err == nil {
		rec = incident.Record{}
		err = json.Unmarshal(raw, &rec)
	}
	if err != nil {
		return 0, err
	}
	b.put(inc.ID, rec)
	return b.seq, inc.Apply(b.records[inc.ID][len(b.records[inc.ID])-1])
}

// AppendIntent implements Ledger.
func (b *book) AppendIntent(ctx context.Context, inc *incident.Incident, rec incident.Record, claim ledger.Claim) (uint64, error) {
	if err := b.take(inc, claim); err != nil {
		return 0, err
	}
	return b.Append(ctx, inc, rec)
}

func (b *book) take(inc *incident.Incident, claim ledger.Claim) error {
	mine := b.holdings.Of(inc.ID)
	for _, t := range claim.Targets {
		if by := b.holdings.Holder(inc.Key.Cluster, t.String()); by != "" && by != inc.ID {
			return &ledger.TargetHeldError{Target: t.String(), By: by}
		}
	}
	if len(claim.Entries) > len(mine.Entries) {
		if err := claim.Admit(b.holdings.Without(inc.ID)); err != nil {
			return fmt.Errorf("%w: %w", ledger.ErrOverBudget, err)
		}
	}
	b.grants(ledger.Holding{Incident: inc.ID, Cluster: inc.Key.Cluster, Targets: []string{"node/w1"}, Entries: claim.Entries})
	b.known = b.holdings
	return nil
}

func (b *book) grants(h ledger.Holding) {
	b.holdings = b.holdings.Without(h.Incident)
	b.holdings.Holdings = append(b.holdings.Holdings, h)
}

// AppendReleasing implements Ledger.
func (b *book) AppendReleasing(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error) {
	mine := b.holdings.Of(inc.ID)
	mine.Entries = nil
	b.grants(mine)
	b.known = b.holdings
	return b.Append(ctx, inc, rec)
}

// Close implements Ledger.
func (b *book) Close(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error) {
	b.holdings = b.holdings.Without(inc.ID)
	b.known = b.holdings
	return b.Append(ctx, inc, rec)
}

// Budget implements Ledger.
func (b *book) Budget(context.Context) (ledger.Budget, error) {
	b.known = b.holdings
	return b.holdings, nil
}

// KnownBudget implements Ledger.
func (b *book) KnownBudget() ledger.Budget { return b.known }

// Decide implements Ledger.
func (b *book) Decide(_ context.Context, inc *incident.Incident, doc any, claim *ledger.Claim) (string, error) {
	if claim != nil {
		if err := b.take(inc, *claim); err != nil {
			return "", err
		}
	}
	if b.storeErr != nil {
		return "", b.storeErr
	}
	b.stored = append(b.stored, doc.(Stored))
	return fmt.Sprint("decision/", len(b.stored)), nil
}

// AppendClaimed implements Ledger.
func (b *book) AppendClaimed(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error) {
	return b.Append(ctx, inc, rec)
}

// SetTimer implements Ledger.
func (b *book) SetTimer(_ context.Context, t ledger.Timer) error {
	b.timers = append(b.timers, t)
	return nil
}

// Pauses implements Ledger.
func (b *book) Pauses(context.Context) ([]policies.Pause, error) { return b.pauses, b.pauseErr }
