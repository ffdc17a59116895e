package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
)

// TestReplicated: on three servers with three copies, of those who open one fault at once, or take one target, one does; so it is
// after a server was lost, and nothing is lost with it.
func TestReplicated(t *testing.T) {
	t.Parallel()
	servers := startCluster(t)
	ledgers := []*Ledger{onCluster(t, servers, 1, "one"), onCluster(t, servers, 2, "two"), onCluster(t, servers, 1, "three")}
	var all []*incident.Incident
	for round := range 4 {
		if round == 2 {
			servers[0].Shutdown()
			servers[0].WaitForShutdown()
			for _, l := range ledgers {
				answered(t, l, all[0].ID)
			}
		}
		all = append(all, raceToOpen(t, ledgers))
	}
	for n, inc := range all {
		if got := seen(t, ledgers[n%3], inc.ID); got.State != incident.Ended || len(got.History) != len(inc.History) {
			t.Errorf("incident %s is %s with %d records, want %d", inc.ID, got.State, len(got.History), len(inc.History))
		}
	}
	if budget, err := ledgers[0].Budget(t.Context()); err != nil || len(budget.Holdings) != 0 {
		t.Errorf("the budget is %+v, %v", budget, err)
	}
}

// answered waits until the servers that are left have leaders that answer.
func answered(t *testing.T, l *Ledger, id incident.ID) {
	t.Helper()
	within(t, func(ctx context.Context) {
		for well := 0; well < 3 && ctx.Err() == nil; well++ {
			_, loading := l.Load(ctx, id)
			_, reading := l.Budget(ctx)
			_, writing := l.Decide(ctx, &incident.Incident{ID: id, Key: *first("w1").Key}, "are you there?", nil)
			if loading != nil || reading != nil || writing != nil {
				well = -1
			}
		}
	})
}

// raceToOpen lets all open one fault, decide upon it and intend its step at once, and ends what comes of it.
func raceToOpen(t *testing.T, ledgers []*Ledger) *incident.Incident {
	t.Helper()
	allTry(t, ledgers, func(l *Ledger) error {
		_, err := l.OpenIncident(t.Context(), first("w1"), 0)
		return err
	})
	id := living(t, ledgers[0])
	allTry(t, ledgers, func(l *Ledger) error {
		c := claim("w1")
		inc, err := l.Load(t.Context(), id)
		if err != nil {
			return err
		}
		_, err = decide(t.Context(), l, inc, decided(policies.Act, "w1"), l.opt.Writer, &c)
		return err
	})
	allTry(t, ledgers, func(l *Ledger) error {
		inc, err := l.Load(t.Context(), id)
		if err == nil {
			_, err = l.AppendIntent(t.Context(), inc, intent(0), claim("w1"), "gate")
		}
		return err
	})
	l := ledgers[1]
	inc := seen(t, l, id)
	if want := []incident.RecordKind{incident.Opened, incident.Decided, incident.Intent}; !slices.Equal(kindsOf(inc), want) {
		t.Fatalf("the records are %v, want %v", kindsOf(inc), want)
	}
	if budget, held := stand(t, l, "w1"); held["w1"] != id || len(budget.Holdings) != 1 || len(budget.Of(id).Entries) != 1 {
		t.Errorf("the budget is %+v", budget)
	}
	failed := done(0)
	failed.Kind = incident.Failed
	surely(t, l, id, failed, l.AppendReleasing)
	surely(t, l, id, incident.Record{Kind: incident.Cleared, At: noon}, l.Append)
	return surely(t, l, id, incident.Record{Kind: incident.Closed, At: noon}, l.Close)
}

// seen loads an incident, again while the store cannot be asked.
func seen(t *testing.T, l *Ledger, id incident.ID) (inc *incident.Incident) {
	t.Helper()
	within(t, func(ctx context.Context) {
		err := events.ErrUnavailable
		for errors.Is(err, events.ErrUnavailable) && ctx.Err() == nil {
			inc, err = l.Load(ctx, id)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	return inc
}

// surely appends a record, again while the store does not say that it is there.
func surely(t *testing.T, l *Ledger, id incident.ID, rec incident.Record, write func(context.Context, *incident.Incident, incident.Record) (uint64, error)) *incident.Incident {
	t.Helper()
	inc := seen(t, l, id)
	for range 10 {
		if inc.History[len(inc.History)-1].Kind == rec.Kind {
			return inc
		}
		if _, err := write(t.Context(), inc, rec); err != nil && !errors.Is(err, events.ErrUnavailable) && !errors.Is(err, ErrLost) {
			t.Fatal(err)
		}
		inc = seen(t, l, id)
	}
	t.Fatalf("%s is not there after 10 tries", rec.Kind)
	return nil
}

func kindsOf(inc *incident.Incident) []incident.RecordKind {
	var kinds []incident.RecordKind
	for _, rec := range inc.History {
		kinds = append(kinds, rec.Kind)
	}
	return kinds
}

// allTry lets each ledger try, and again while nothing is known; one at most may be told that it did it.
func allTry(t *testing.T, ledgers []*Ledger, try func(*Ledger) error) {
	t.Helper()
	var wg sync.WaitGroup
	var won atomic.Int32
	for _, l := range ledgers {
		wg.Go(func() {
			err := try(l)
			for begin := time.Now(); errors.Is(err, events.ErrUnavailable) && time.Since(begin) < 20*time.Second; {
				err = try(l)
			}
			if errors.Is(err, events.ErrUnavailable) {
				t.Error(err)
			}
			if err == nil {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if n := won.Load(); n > 1 {
		t.Fatalf("%d were told that they were first", n)
	}
}

// living is the one incident that lives.
func living(t *testing.T, l *Ledger) incident.ID {
	t.Helper()
	var ids []incident.ID
	within(t, func(ctx context.Context) {
		err := events.ErrUnavailable
		for errors.Is(err, events.ErrUnavailable) && ctx.Err() == nil {
			ids, err = l.incidents(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	ids = slices.DeleteFunc(ids, func(id incident.ID) bool { return !seen(t, l, id).Live() })
	if len(ids) != 1 {
		t.Fatalf("the incidents %v live, want one", ids)
	}
	return ids[0]
}

func startCluster(t *testing.T) []*server.Server {
	t.Helper()
	for range 3 {
		servers := tryCluster(t)
		for begin := time.Now(); time.Since(begin) < 15*time.Second; time.Sleep(50 * time.Millisecond) {
			if formed(servers) {
				return servers
			}
		}
		for _, srv := range servers {
			srv.Shutdown()
			srv.WaitForShutdown()
		}
	}
	t.Fatal("three servers did not find each other, three times")
	return nil
}

// formed says whether the servers know each other and one leads.
func formed(servers []*server.Server) bool {
	leads := false
	for _, srv := range servers {
		if srv.NumRemotes() < len(servers)-1 {
			return false
		}
		leads = leads || srv.JetStreamIsLeader()
	}
	return leads
}

// tryCluster starts three servers on ports that were free a moment ago: another process may have taken one since.
func tryCluster(t *testing.T) []*server.Server {
	t.Helper()
	var routes []*url.URL
	var ports []int
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
		routes = append(routes, &url.URL{Scheme: "nats-route", Host: l.Addr().String()})
		l.Close()
	}
	var servers []*server.Server
	for n := range 3 {
		srv, err := server.NewServer(&server.Options{ServerName: fmt.Sprint("n", n), Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true,
			StoreDir: t.TempDir(), NoSigs: true, NoLog: true, JetStreamMaxStore: 4 << 30, JetStreamMaxMemory: 16 << 20,
			Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: ports[n]}, Routes: routes})
		if err != nil {
			t.Fatal(err)
		}
		srv.Start()
		t.Cleanup(func() {
			srv.Shutdown()
			srv.WaitForShutdown()
		})
		servers = append(servers, srv)
	}
	return servers
}

// onCluster opens a ledger through one of the servers, once these have found each other.
func onCluster(t *testing.T, servers []*server.Server, through int, writer string) *Ledger {
	t.Helper()
	nc, err := nats.Connect(servers[through].ClientURL(), nats.MaxReconnects(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); ; {
		l, err := Open(t.Context(), js, Options{Writer: writer, Replicas: 3, Logger: slog.New(slog.DiscardHandler)})
		if err == nil {
			return l
		}
		if time.Since(begin) > time.Minute {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
