package jetstream

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/events"
)

// TestReplicated runs the log on three servers with three copies, and kills one of them.
func TestReplicated(t *testing.T) {
	t.Parallel()
	servers := startCluster(t)
	var urls []string
	for _, s := range servers {
		urls = append(urls, "nats://"+s.address())
	}
	conn := dialCluster(t, strings.Join(urls, ","))
	log := openLog(t, conn, Options{})
	if _, err := log.Append(t.Context(), sample(0)); err != nil {
		t.Fatal(err)
	}
	var evs []events.Event
	for n := range 3 * batchFrom {
		evs = append(evs, sample(n))
	}
	receipts, err := log.Append(t.Context(), evs...)
	if err != nil {
		t.Fatal(err)
	}
	for n, r := range receipts {
		if r.Duplicate != (n == 0) || r.Seq != uint64(n+1) {
			t.Errorf("event %d: receipt %+v", n, r)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	folded := make(chan uint64, 1000)
	followed := make(chan error, 1)
	go func() {
		followed <- log.Follow(ctx, 0, func(ev events.Recorded) error { folded <- ev.Seq; return nil }, nil)
	}()
	servers[0].kill()
	const more = 20
	for n := 1000; n < 1000+more; n++ {
		for _, err := log.Append(ctx, sample(n)); err != nil; _, err = log.Append(ctx, sample(n)) {
			if ctx.Err() != nil {
				t.Fatal(err)
			}
		}
	}
	for want := uint64(1); want <= uint64(len(evs)+more); want++ {
		select {
		case got := <-folded:
			if got != want {
				t.Fatalf("event %d was folded, want %d", got, want)
			}
		case <-ctx.Done():
			t.Fatalf("event %d was not folded", want)
		}
	}
	cancel()
	if err := <-followed; err != nil {
		t.Errorf("follow returned %v", err)
	}
}

func startCluster(t *testing.T) []*external {
	t.Helper()
	var routes []string
	for range 3 {
		routes = append(routes, "nats-route://"+freeAddress(t))
	}
	var servers []*external
	for n, route := range routes {
		servers = append(servers, startExternal(t, fmt.Sprintf("server_name: n%d\ncluster { name: test, listen: %q, routes: [ %s ] }",
			n, strings.TrimPrefix(route, "nats-route://"), strings.Join(routes, ", "))))
	}
	return servers
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// dialCluster waits until the servers found each other.
func dialCluster(t *testing.T, urls string) *Conn {
	t.Helper()
	for begin := time.Now(); ; {
		conn, err := Dial(t.Context(), DialOptions{URL: urls, Replicas: 3}, testLog(t))
		if err == nil {
			t.Cleanup(func() { conn.Close() })
			return conn
		}
		if time.Since(begin) > time.Minute {
			t.Fatal(err)
		}
	}
}
