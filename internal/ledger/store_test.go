package ledger

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// store is an embedded NATS server that can be restarted on its directory.
type store struct {
	t   *testing.T
	dir string

	mu    sync.Mutex
	srv   *server.Server
	conns []*nats.Conn // that were made
}

func startStore(t *testing.T) *store {
	s := &store{t: t, dir: t.TempDir()}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *store) start() {
	s.t.Helper()
	srv, err := server.NewServer(&server.Options{ServerName: "test", DontListen: true, JetStream: true, StoreDir: s.dir,
		SyncAlways: true, NoSigs: true, NoLog: true, JetStreamMaxStore: 4 << 30, JetStreamMaxMemory: 16 << 20})
	if err != nil {
		s.t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(20 * time.Second) {
		s.t.Fatal("the server does not start")
	}
	s.mu.Lock()
	s.srv = srv
	s.mu.Unlock()
	s.notice(true)
}

func (s *store) stop() {
	s.mu.Lock()
	srv := s.srv
	s.srv = nil
	s.mu.Unlock()
	if srv != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
	}
	s.notice(false)
}

// notice waits until each connection knows whether there is a server: what is written into one that leads to an old server gets no answer.
func (s *store) notice(there bool) {
	s.t.Helper()
	late := time.Now().Add(patience)
	unaware := func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return slices.ContainsFunc(s.conns, func(nc *nats.Conn) bool { return !nc.IsClosed() && nc.IsConnected() != there })
	}
	for ; unaware(); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			s.t.Errorf("a connection does not notice that a server is there: %t", there)
			return
		}
	}
}

// restart ends the server and starts it again.
func (s *store) restart() {
	s.t.Helper()
	s.stop()
	s.start()
}

// InProcessConn dials the server that runs now.
func (s *store) InProcessConn() (net.Conn, error) {
	s.mu.Lock()
	srv := s.srv
	s.mu.Unlock()
	if srv == nil {
		return nil, errors.New("no server")
	}
	return srv.InProcessConn()
}

// connect is a connection of its own, which outlives restarts of the server.
func (s *store) connect() jetstream.JetStream {
	s.t.Helper()
	nc, err := nats.Connect("", nats.InProcessServer(s), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond),
		nats.ReconnectBufSize(-1))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(nc.Close)
	s.mu.Lock()
	s.conns = append(s.conns, nc)
	s.mu.Unlock()
	js, err := jetstream.New(nc)
	if err != nil {
		s.t.Fatal(err)
	}
	return js
}

// ledger is a ledger with a connection of its own, as a replica has.
func (s *store) ledger(writer string) *Ledger {
	s.t.Helper()
	l, err := Open(s.t.Context(), s.connect(), Options{Writer: writer, MaxBytes: 64 << 20, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		s.t.Fatal(err)
	}
	l.ackWait, l.callWithin = 2*time.Second, answers
	return l
}

func newLedger(t *testing.T) *Ledger { return startStore(t).ledger("one") }

// Of a busy machine: how long one answer of a store that is there may take, and whatever else has to come.
const (
	answers  = 20 * time.Second
	patience = time.Minute
)

// within fails the test when f does not return in time, and gives f a ctx that ends then.
func within(t *testing.T, f func(ctx context.Context)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	f(ctx)
	if ctx.Err() != nil {
		t.Fatal("took too long")
	}
}

// receive waits for a value.
func receive[T any](t *testing.T, ch <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s came", what)
		panic("unreachable")
	}
}

// inBackground runs f until the test ends or stop is called, which waits for it.
func inBackground(t *testing.T, f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := f(ctx); err != nil {
			t.Errorf("it ended with %v", err)
		}
	}()
	stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(stop)
	return stop
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func first(node string) incident.Record {
	fault := classifiers.Fault{Kind: classifiers.KindNode, Cluster: "prod.eu", Anchor: classifiers.Anchor{Kind: "node", Name: node, UID: "uid-" + node}}
	key := incident.KeyOf(fault)
	return incident.Record{Kind: incident.Opened, At: noon, ViewSeq: 7, Key: &key, Fault: &fault, Text: node + " is silent"}
}

func note(text string) incident.Record {
	return incident.Record{Kind: incident.Noted, At: noon, Text: text}
}

func target(node string) policies.Target {
	return policies.Target{Kind: "Node", Name: node, UID: "uid-" + node, Zone: "a"}
}

func entry(node string) Entry { return Entry{Cluster: "prod.eu", Zone: "a", Node: node} }

// plan has steps that work on the nodes, one each.
func plan(nodes ...string) *responders.Plan {
	p := &responders.Plan{Runbook: "node-failure", Cluster: "prod.eu", Digest: "d1"}
	for _, node := range nodes {
		p.Steps = append(p.Steps, responders.Step{Name: "cordon " + node, Change: responders.Change{
			Responder: "node.cordon", Class: policies.Reversible, Targets: []policies.Target{target(node)}}})
	}
	return p
}

func intent(step int) incident.Record {
	return incident.Record{Kind: incident.Intent, At: noon, Step: &incident.StepRef{Phase: incident.PhaseRecover, Plan: "d1", Index: step}}
}

func done(step int) incident.Record {
	rec := intent(step)
	rec.Kind = incident.Done
	return rec
}

// open opens the incident of a node and loads it.
func open(t *testing.T, l *Ledger, node string) *incident.Incident {
	t.Helper()
	inc, err := l.OpenIncident(t.Context(), first(node), 0)
	if err != nil {
		t.Fatal(err)
	}
	return load(t, l, inc.ID)
}

func load(t *testing.T, l *Ledger, id incident.ID) *incident.Incident {
	t.Helper()
	inc, err := l.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return inc
}

func add(t *testing.T, l *Ledger, inc *incident.Incident, recs ...incident.Record) {
	t.Helper()
	for _, rec := range recs {
		if _, err := l.Append(t.Context(), inc, rec); err != nil {
			t.Fatal(err)
		}
	}
}

// acting is the incident of a node whose plan, one step a node, is in force.
func acting(t *testing.T, l *Ledger, node string, nodes ...string) *incident.Incident {
	t.Helper()
	inc := open(t, l, node)
	add(t, l, inc, decided(policies.Act, nodes...))
	return inc
}

func decided(verdict policies.Verdict, nodes ...string) incident.Record {
	return incident.Record{Kind: incident.Decided, At: noon, Decided: &incident.Decision{Phase: incident.PhaseRecover,
		Answer: policies.Decision{Verdict: verdict, Asks: asks(verdict)}, Plan: plan(nodes...)}}
}

// asks is who is asked where the verdict is to ask.
func asks(verdict policies.Verdict) *policies.Asks {
	if verdict != policies.Ask {
		return nil
	}
	return &policies.Asks{Needs: []policies.Need{{Groups: []string{}, Votes: 1}}, Votes: 1, OnTimeout: "expire", EscalateTo: []string{}}
}

// stand is the budget, and who holds each of the nodes named by it.
func stand(t *testing.T, l *Ledger, nodes ...string) (Budget, map[string]incident.ID) {
	t.Helper()
	b, err := l.Budget(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	held := map[string]incident.ID{}
	for _, node := range nodes {
		if by := b.Holder("prod.eu", target(node).String()); by != "" {
			held[node] = by
		}
	}
	return b, held
}

// lastSeq is the sequence of the last message of the incidents.
func lastSeq(t *testing.T, l *Ledger) uint64 {
	t.Helper()
	s, err := l.js.Stream(t.Context(), IncidentsStream)
	if err != nil {
		t.Fatal(err)
	}
	return s.CachedInfo().State.LastSeq
}
