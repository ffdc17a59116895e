package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/test/rig"
	"github.com/salvor-io/salvor/test/stack"
)

// TestTwoReplicas: two servers share one external NATS. One acts. It is killed in the middle of a step and the other takes
// over; or it is frozen for a minute and then goes on. Each effect is had once, whoever had it.
func TestTwoReplicas(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(*scene, *rig.Server){
		"killed": func(s *scene, acting *rig.Server) { s.must(acting.Kill()) },
		"frozen": func(s *scene, acting *rig.Server) {
			s.must(acting.Freeze())
			timer := time.AfterFunc(time.Minute, func() { _ = acting.Thaw() })
			s.t.Cleanup(func() { timer.Stop(); _ = acting.Thaw() })
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := shared(t)
			url := startNATS(t, r.Dir)
			one := quick("one-" + name)
			one.NATS = url
			s := begin(t, r, one)
			second := quick("two-" + name)
			second.NATS, second.Extra = url, "runbooks: {dir: "+filepath.Join(r.Dir, one.Name+"-runbooks")+"}\n"
			var err error
			second.Address, err = rig.FreeAddress()
			s.must(err)
			two, err := r.Serve(second)
			s.must(err)
			t.Cleanup(func() {
				s.check(two.Stop())
				s.show(two)
			})
			s.await(time.Minute, "the second replica sees all nodes well", func(ctx context.Context) (bool, error) { return s.seesWell(ctx, two) })

			victim := s.lose()
			var intent api.Record
			s.await(90*time.Second, "one has begun to release the node", func(ctx context.Context) (bool, error) {
				inc, ok := s.peek(victim)
				if !ok || !stepBegan(inc, "release") {
					return false, nil
				}
				intent = inc.History[len(inc.History)-1]
				return intent.Kind == incident.Intent, nil
			})
			acting, other := s.Server, two
			if strings.HasPrefix(intent.Writer, two.Name+".") {
				acting, other = two, s.Server
			}
			t.Logf("%s acts", acting.Name)
			harm(s, acting)
			asked := &scene{t: t, ctx: s.ctx, rig: r, began: s.began, Server: other}
			inc := asked.reaches(victim, 4*time.Minute, incident.Recovered)
			if inc.Outcome != "verified" {
				t.Errorf("outcome %s, want verified", inc.Outcome)
			}
			time.Sleep(time.Until(intent.StoredAt.Add(75 * time.Second))) // a thawed replica has had its chance to do harm
			s.onceEach()
			s.resumedInOrder(inc.History)
			if len(asked.incidentsOf(victim)) != 1 {
				t.Errorf("%d incidents, want one", len(asked.incidentsOf(victim)))
			}
		})
	}
}

// startNATS starts a NATS server process that fsyncs each write, and returns its URL.
func startNATS(t *testing.T, dir string) string {
	t.Helper()
	binary, err := stack.Binary(t.Context(), stack.NATSServer, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	address, err := rig.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	home, err := os.MkdirTemp(dir, "nats-") // a port may be had again, a store must not
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("host: %s\nport: %s\njetstream { store_dir: %q, sync_interval: always }\n", host, port, home)
	file := home + ".conf"
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-c", file)
	if err := stack.StartChild(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	err = rig.Wait(t.Context(), 20*time.Second, "the NATS server listens", func(ctx context.Context) (bool, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return false, err
		}
		return true, conn.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	return "nats://" + address
}
