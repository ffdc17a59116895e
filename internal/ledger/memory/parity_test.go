package memory_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/ledger/memory"
	"github.com/salvor-io/salvor/policies"
)

// TestSameAsTheDurableLedger makes the same long random sequence of calls, by two replicas of which each judges by what it last
// loaded, to this ledger and to the durable one, and holds them to the same results: incidents with their ids and sequences,
// budgets, pauses, decisions, and kinds of error.
func TestSameAsTheDurableLedger(t *testing.T) {
	met := map[string]int{}
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			for attempt := 1; !sameBySeed(t, seed, met); attempt++ {
				if attempt == 3 {
					t.Fatal("the durable ledger did not always answer, in any of 3 attempts")
				}
			}
		})
	}
	for _, kind := range []string{"lost", "already open", "over budget", "held", "refused", "not found", "other", "opened again", "given up", "decided again", "asked at the gate"} {
		if met[kind] < 3 {
			t.Errorf("%q was met %d times only: the calls prove little", kind, met[kind])
		}
	}
}

// sameBySeed makes the calls of a seed to new ledgers. It says whether all were made: a busy machine may not answer one in time, and what
// came of that is known to nobody.
func sameBySeed(t *testing.T, seed uint64, met map[string]int) bool {
	t.Helper()
	late := false
	t.Run("calls", func(t *testing.T) {
		r := &run{t: t, rng: rand.New(rand.NewPCG(seed, 7)), sides: []*side{durable(t), inMemory()}, ends: map[incident.Key]uint64{}, met: met, late: &late}
		for range 200 {
			r.step()
		}
		r.compareAll()
	})
	return !late
}

// side is one of the two ledgers as its replicas see it.
type side struct {
	replicas []replica
	views    []map[incident.ID]*incident.Incident // what each replica last loaded or wrote
	setPause func(policies.Pause) error
	endPause func(policies.Pause) error
	follow   func(context.Context) ([]incident.Sequenced, error)
}

const replicas = 2

func durable(t *testing.T) *side {
	t.Helper()
	js := startNATS(t)
	out := &side{}
	var one *ledger.Ledger
	for n := range replicas {
		l, err := ledger.Open(t.Context(), js, ledger.Options{Writer: fmt.Sprint("r", n), MaxBytes: 16 << 20, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
		if err != nil {
			t.Fatal(err)
		}
		one = l
		out.join(l)
	}
	out.setPause = func(p policies.Pause) error { return one.SetPause(t.Context(), p) }
	out.endPause = func(p policies.Pause) error { return one.EndPause(t.Context(), p) }
	out.follow = func(ctx context.Context) (all []incident.Sequenced, err error) {
		ctx, caughtUp := context.WithTimeout(ctx, time.Minute)
		defer caughtUp()
		err = one.Follow(ctx, func(rec incident.Sequenced) error { all = append(all, rec); return nil }, caughtUp)
		return all, err
	}
	return out
}

func startNATS(t *testing.T) jetstream.JetStream {
	t.Helper()
	srv, err := server.NewServer(&server.Options{ServerName: "test", DontListen: true, JetStream: true, StoreDir: t.TempDir(),
		NoSigs: true, NoLog: true, JetStreamMaxStore: 1 << 30, JetStreamMaxMemory: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not start")
	}
	nc, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func inMemory() *side {
	store := memory.New(memory.Options{Now: time.Now})
	out := &side{setPause: store.SetPause, endPause: store.EndPause}
	for n := range replicas {
		out.join(store.Writer(fmt.Sprint("r", n)))
	}
	out.follow = func(context.Context) (all []incident.Sequenced, err error) {
		store.Follow(func(rec incident.Sequenced) { all = append(all, rec) })()
		return all, nil
	}
	return out
}

func (s *side) join(r replica) {
	s.replicas = append(s.replicas, r)
	s.views = append(s.views, map[incident.ID]*incident.Incident{})
}

// run makes calls to both sides.
type run struct {
	t     *testing.T
	rng   *rand.Rand
	sides []*side
	ids   []incident.ID
	ends  map[incident.Key]uint64
	refs  []string
	met   map[string]int
	last  string // what was called
	late  *bool  // the durable ledger did not answer in time
}

// same is what need not be equal: what names one attempt, and sums over that, when it was stored, and what the ledger itself recorded
// just now.
var same = cmp.Options{
	cmpopts.IgnoreFields(incident.Record{}, "Nonce", "Prev"),
	cmpopts.IgnoreFields(incident.Open{}, "Nonce"),
	cmpopts.IgnoreFields(incident.Incident{}, "Head"),
	cmpopts.IgnoreFields(incident.Sequenced{}, "StoredAt", "Sum"),
	cmpopts.IgnoreUnexported(ledger.Budget{}),
	cmp.FilterValues(func(a, b time.Time) bool { return max(time.Since(a).Abs(), time.Since(b).Abs()) < time.Minute },
		cmp.Comparer(func(time.Time, time.Time) bool { return true })),
}

// both makes a call of one replica to both sides and returns what the durable one says.
func (r *run) both(what string, w int, call func(s *side, l replica) (any, error)) (any, error) {
	r.t.Helper()
	r.last = fmt.Sprintf("%s by r%d", what, w)
	want, wantErr := call(r.sides[0], r.sides[0].replicas[w])
	if *r.late = errors.Is(wantErr, events.ErrUnavailable); *r.late {
		r.t.Skipf("%s: %v", r.last, wantErr)
	}
	got, err := call(r.sides[1], r.sides[1].replicas[w])
	if diff := cmp.Diff(kind(wantErr), kind(err)); diff != "" {
		r.t.Fatalf("%s: errors (-durable +memory):\n%s\n%v\n%v", r.last, diff, wantErr, err)
	}
	r.equal("results", tip(want), tip(got))
	r.met[kind(err)[0]]++
	return want, wantErr
}

// tip is an incident with only the last record of its history: the others were compared when they were the last.
func tip(v any) any {
	inc, ok := v.(*incident.Incident)
	if !ok || inc == nil {
		return v
	}
	short := *inc
	short.History = inc.History[len(inc.History)-1:]
	return short
}

func (r *run) equal(what string, want, got any) {
	r.t.Helper()
	if diff := cmp.Diff(want, got, same); diff != "" {
		r.t.Fatalf("%s: %s (-durable +memory):\n%s", r.last, what, diff)
	}
}

// kind is what a caller can tell about an error.
func kind(err error) []string {
	var held *ledger.TargetHeldError
	var refused *incident.RefusedError
	switch {
	case err == nil:
		return []string{"none"}
	case errors.As(err, &held):
		return []string{"held", held.Target, string(held.By)}
	case errors.As(err, &refused):
		return []string{"refused", string(refused.State), string(refused.Kind), refused.Why}
	}
	for name, known := range map[string]error{"lost": ledger.ErrLost, "already open": ledger.ErrAlreadyOpen, "over budget": ledger.ErrOverBudget,
		"not found": ledger.ErrNotFound, "unavailable": events.ErrUnavailable} {
		if errors.Is(err, known) {
			return []string{name}
		}
	}
	return []string{"other", err.Error()}
}

// step makes one call, or a few that belong together, and compares what it changed.
func (r *run) step() {
	w := r.rng.IntN(replicas)
	switch n := r.rng.IntN(100); {
	case n < 12 || len(r.ids) == 0:
		r.open(w)
	case n < 20:
		r.load(w, r.someID())
	case n < 25:
		r.pause(w)
	case n < 28:
		r.readDecision(w)
	default:
		r.move(w, r.someID())
	}
	for w := range replicas {
		r.both("known budget", w, func(_ *side, l replica) (any, error) { return l.KnownBudget(), nil })
	}
}

// someID is an incident, mostly of the last few.
func (r *run) someID() incident.ID {
	if r.rng.IntN(30) == 0 {
		return []incident.ID{"no id", incident.IDOf(*first("w9").Key, 3)}[r.rng.IntN(2)]
	}
	recent := r.ids[max(0, len(r.ids)-8):]
	if r.rng.IntN(8) == 0 {
		recent = r.ids
	}
	return recent[r.rng.IntN(len(recent))]
}

func (r *run) open(w int) {
	rec := first(r.node())
	rec.Standing = r.rng.IntN(6) == 0
	if r.rng.IntN(10) == 0 {
		rec.Fault = nil
	}
	after := []uint64{0, r.ends[*rec.Key], r.ends[*rec.Key] + 1}[r.rng.IntN(3)]
	got, err := r.both(fmt.Sprint("open after ", after), w, func(s *side, l replica) (any, error) {
		inc, err := l.OpenIncident(r.t.Context(), rec, after)
		if err == nil {
			s.views[w][inc.ID] = inc
		}
		return inc, err
	})
	if err != nil {
		return
	}
	id := got.(*incident.Incident).ID
	if id != incident.IDOf(*rec.Key, 0) {
		r.met["opened again"]++
	}
	r.ids = append(r.ids, id)
}

func (r *run) load(w int, id incident.ID) {
	r.both(fmt.Sprint("load ", id), w, func(s *side, l replica) (any, error) {
		inc, err := l.Load(r.t.Context(), id)
		if err == nil {
			s.views[w][id] = inc
		}
		return inc, err
	})
}

// move writes what may follow what the replica last saw of an incident, which is often old.
func (r *run) move(w int, id incident.ID) {
	if r.sides[0].views[w][id] == nil || r.rng.IntN(3) == 0 {
		r.load(w, id)
	}
	inc := r.sides[0].views[w][id]
	if inc == nil {
		return
	}
	if r.rng.IntN(4) == 0 {
		r.both(fmt.Sprint("current ", id), w, func(s *side, l replica) (any, error) {
			return nil, l.Current(r.t.Context(), s.views[w][id])
		})
	}
	rec := r.record(inc)
	if rec.Kind == incident.Decided || rec.Kind == incident.Intent {
		r.budget(w) // the durable ledger may build a claim on what it read a moment ago: here that is always the budget of now
	}
	switch {
	case rec.Kind == incident.Decided:
		r.decide(w, id, rec)
	case rec.Kind == incident.Intent:
		claim, doc := r.claim(), map[string]int{"gate": len(r.refs)}
		r.write(w, id, rec, func(l replica, inc *incident.Incident) (uint64, error) {
			return l.AppendIntent(r.t.Context(), inc, rec, claim, doc)
		})
	case rec.Kind == incident.TookOver:
		doc := map[string]int{"gate": len(r.refs)}
		r.write(w, id, rec, func(l replica, inc *incident.Incident) (uint64, error) {
			return l.AppendAsked(r.t.Context(), inc, rec, doc)
		})
	case rec.Kind == incident.Closed || r.rng.IntN(40) == 0:
		r.write(w, id, rec, func(l replica, inc *incident.Incident) (uint64, error) { return l.Close(r.t.Context(), inc, rec) })
	case r.rng.IntN(40) == 0:
		r.write(w, id, rec, func(l replica, inc *incident.Incident) (uint64, error) {
			return l.AppendYielding(r.t.Context(), inc, rec)
		})
	case r.rng.IntN(2) == 0:
		r.write(w, id, rec, func(l replica, inc *incident.Incident) (uint64, error) {
			return l.AppendReleasing(r.t.Context(), inc, rec)
		})
	default:
		r.write(w, id, rec, func(l replica, inc *incident.Incident) (uint64, error) { return l.Append(r.t.Context(), inc, rec) })
	}
	r.budget(r.rng.IntN(replicas))
}

func (r *run) budget(w int) {
	r.both("budget", w, func(_ *side, l replica) (any, error) { return l.Budget(r.t.Context()) })
}

// decide stores a decision, with a claim where it is to act, and mostly records it.
func (r *run) decide(w int, id incident.ID, rec incident.Record) {
	var claim *ledger.Claim
	if rec.Decided.Answer.Verdict == policies.Act {
		c := r.claim()
		claim = &c
	}
	doc := map[string]int{"asked": r.rng.IntN(2)}
	ref, err := r.both(fmt.Sprint("decide upon ", id), w, func(s *side, l replica) (any, error) {
		return l.Decide(r.t.Context(), s.views[w][id], doc, claim)
	})
	if err != nil || r.rng.IntN(5) == 0 {
		return
	}
	asked := ref.(incident.Asked)
	if slices.Contains(r.refs, asked.Ref) {
		r.met["decided again"]++
	}
	r.refs = append(r.refs, asked.Ref)
	rec.Decided.Asked = asked
	r.write(w, id, rec, func(l replica, inc *incident.Incident) (uint64, error) {
		return l.AppendClaimed(r.t.Context(), inc, rec)
	})
}

// write appends by f, and compares the incident as the writer has it then with what can be loaded.
func (r *run) write(w int, id incident.ID, rec incident.Record, f func(replica, *incident.Incident) (uint64, error)) {
	r.both(fmt.Sprintf("write %s to %s", rec.Kind, id), w, func(s *side, l replica) (any, error) { return f(l, s.views[w][id]) })
	r.equal("the incident of the writer", tip(r.sides[0].views[w][id]), tip(r.sides[1].views[w][id]))
	now, err := r.both(fmt.Sprintf("load after writing %s to %s", rec.Kind, id), w, func(_ *side, l replica) (any, error) { return l.Load(r.t.Context(), id) })
	if err != nil {
		return
	}
	inc := now.(*incident.Incident)
	if gate := inc.History[len(inc.History)-1].Gate; gate != nil {
		r.refs = append(r.refs, gate.Ref)
		r.met["asked at the gate"]++
	}
	if inc.State == incident.Ended {
		r.ends[inc.Key] = max(r.ends[inc.Key], inc.Seq)
	}
	if inc.Why == ledger.GivenUp || inc.History[len(inc.History)-1].Text == ledger.GivenUp {
		r.met["given up"]++
	}
}

func (r *run) pause(w int) {
	p := policies.Pause{Cluster: []string{"", "prod.eu"}[r.rng.IntN(2)], Kind: []string{"", "node"}[r.rng.IntN(2)],
		Owner: []string{"", "ann", "bob"}[r.rng.IntN(3)], Reason: "maintenance", Since: noon.Add(time.Duration(r.rng.IntN(3)) * time.Hour),
		Until: time.Now().UTC().Add(time.Duration(r.rng.IntN(4)-1) * time.Hour)}
	set := r.rng.IntN(3) > 0
	r.both(fmt.Sprint("pause ", set), w, func(s *side, _ replica) (any, error) {
		if set {
			return nil, s.setPause(p)
		}
		return nil, s.endPause(p)
	})
	r.both("pauses", w, func(_ *side, l replica) (any, error) { return l.Pauses(r.t.Context()) })
}

func (r *run) readDecision(w int) {
	ref := "nothing/1"
	if len(r.refs) > 0 && r.rng.IntN(4) > 0 {
		ref = r.refs[r.rng.IntN(len(r.refs))]
	}
	r.both("read decision "+ref, w, func(_ *side, l replica) (any, error) { return l.ReadDecision(r.t.Context(), ref) })
}

// compareAll compares everything there is.
func (r *run) compareAll() {
	for _, id := range r.ids {
		r.load(0, id)
		r.equal(string(id), r.sides[0].views[0][id], r.sides[1].views[0][id])
		for _, s := range r.sides {
			chained(r.t, s.views[0][id])
		}
	}
	all, _ := r.both("follow", 0, func(s *side, _ replica) (any, error) { return s.follow(r.t.Context()) })
	if len(all.([]incident.Sequenced)) < len(r.ids) {
		r.t.Error("not all records were followed")
	}
}

// chained fails the test unless each record names the one before it as it is stored.
func chained(t *testing.T, inc *incident.Incident) {
	t.Helper()
	head := ""
	for _, rec := range inc.History {
		if rec.Prev != head || len(rec.Sum) != 64 {
			t.Fatalf("record %d of %s names %q before it, want %q, and has the sum %q", rec.Seq, inc.ID, rec.Prev, head, rec.Sum)
		}
		head = rec.Sum
	}
	if inc.Head != head {
		t.Fatalf("%s has the head %q, want %q", inc.ID, inc.Head, head)
	}
}

// replica is what the two ledgers have in common.
type replica interface {
	engineLedger
	ReadDecision(ctx context.Context, ref string) (json.RawMessage, error)
}
