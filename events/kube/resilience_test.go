package kube

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// quick is how long a Lease may be silent in tests over real connections, which run in real time.
const quick = 3 * time.Second

// watching starts a Source on a server and stops it at the end of the test.
func watching(t *testing.T, s *apiServer) *recorder {
	t.Helper()
	rec := newRecorder()
	src, err := New(Options{Cluster: "c", Replica: "r", Client: s.client(), Log: rec, View: rec, Logger: testLog(t), StaleAfter: quick})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- src.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("run: %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("run does not end")
		}
	})
	return rec
}

func told(rec *recorder, entry string) func() bool {
	return func() bool { return rec.count(entry) > 0 }
}

func blind(rec *recorder, watch, reason string) func() bool {
	return func() bool {
		o := rec.sight(watch)
		return o.Watch != "" && !o.Seeing && strings.Contains(o.Reason, reason)
	}
}

func sees(rec *recorder, watch string) func() bool {
	return func() bool { o := rec.sight(watch); return o.Seeing && o.Synced }
}

func TestListsStreamedOrNot(t *testing.T) {
	for _, streams := range []bool{true, false} {
		s := newAPIServer(t)
		s.set(func() { s.streams = streams })
		s.node("a")
		rec := watching(t, s)
		rec.wait(t, "a is known", told(rec, "a True"))
		s.node("a", cordoned)
		rec.wait(t, "a is cordoned", told(rec, "a True cordoned"))
		s.write("nodes", testNode("a"), true)
		rec.wait(t, "a is gone", told(rec, "a gone"))
		if got := rec.told(); len(got) != 3 {
			t.Errorf("told %q", got)
		}
	}
}

// TestBrokenStreams breaks the watch in several ways while nodes come and go unseen.
func TestBrokenStreams(t *testing.T) {
	for name, breaks := range map[string]func(s *apiServer){
		"disconnected":        func(s *apiServer) { s.http.CloseClientConnections() },
		"410":                 func(s *apiServer) { s.compact() },
		"410 after a restart": func(s *apiServer) { s.stop(); s.compact(); s.start() },
		"no JSON":             func(s *apiServer) { s.set(func() { s.garbage = true }) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newAPIServer(t)
			s.node("a")
			s.node("b")
			s.node("c")
			rec := watching(t, s)
			rec.wait(t, "all are known", told(rec, "c True"))
			breaks(s)
			s.write("nodes", testNode("a"), true)
			s.write("nodes", testNode("b"), true)
			s.node("b", uid("new"))
			s.node("c", notReady)
			rec.wait(t, "all that happened is told", told(rec, "c Unknown"))
			want := []string{"a True", "b True", "c True", "a gone", "b gone", "b True", "c Unknown"}
			got := rec.told()
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(want, got) {
				t.Errorf("told %q, want %q", got, want)
			}
		})
	}
}

// TestBrokenStreamsOfPods breaks the watch while pods in trouble get well, go and are made anew unseen.
func TestBrokenStreamsOfPods(t *testing.T) {
	loops := container(2, waiting(crashLoop), ended("Error", 1, 0, 1))
	for name, breaks := range map[string]func(s *apiServer){
		"disconnected":        func(s *apiServer) { s.http.CloseClientConnections() },
		"410":                 func(s *apiServer) { s.compact() },
		"410 after a restart": func(s *apiServer) { s.stop(); s.compact(); s.start() },
		"hangs for a while": func(s *apiServer) {
			s.set(func() { s.hung = true })
			s.http.CloseClientConnections()
			time.Sleep(time.Second)
			s.set(func() { s.hung = false })
			s.http.CloseClientConnections()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newAPIServer(t)
			for _, pod := range []string{"a", "b", "c", "d"} {
				s.write("pods", testPod(pod, loops), false)
			}
			rec := watching(t, s)
			rec.wait(t, "all are known", func() bool { return len(rec.others()) == 4 })
			rec.wait(t, "pods are seen", sees(rec, "pods"))
			breaks(s)
			s.write("pods", testPod("a", loops), true)
			s.write("pods", testPod("b", loops), true)
			s.write("pods", testPod("b", loops, podUID("new")), false)
			s.write("pods", testPod("c"), false)
			s.write("pods", testPod("d", loops), false)
			s.write("pods", testPod("e", loops), false)
			rec.wait(t, "all that happened is told", rec.heard("pod/shop/e CrashLoopBackOff"))
			want := []string{"pod/shop/a CrashLoopBackOff", "pod/shop/a gone", "pod/shop/b CrashLoopBackOff", "pod/shop/b CrashLoopBackOff", "pod/shop/b gone",
				"pod/shop/c -", "pod/shop/c CrashLoopBackOff", "pod/shop/d CrashLoopBackOff", "pod/shop/e CrashLoopBackOff"}
			got := rec.others()
			slices.Sort(got)
			if !slices.Equal(want, got) {
				t.Errorf("told %q, want %q", got, want)
			}
		})
	}
}

// TestServerAway has the API server refuse connections for longer than a Lease may be silent. Node b is dead.
func TestServerAway(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t)
	s.node("a")
	s.node("b")
	var died, away atomic.Bool
	stop := s.beat(quick/8, func(n string) bool { return away.Load() || died.Load() && n == "b" }, "a", "b")
	defer stop()
	rec := watching(t, s)
	rec.wait(t, "both are fresh", func() bool { return rec.count("a fresh") == 1 && rec.count("b fresh") == 1 })
	rec.wait(t, "leases are seen", sees(rec, "leases"))
	away.Store(true)
	s.stop()
	rec.wait(t, "nodes are not seen", blind(rec, "nodes", "refused"))
	rec.wait(t, "leases are not seen", blind(rec, "leases", "refused"))
	time.Sleep(quick * 3 / 2) // kubelets cannot renew either; nothing may be made of it
	died.Store(true)
	s.start()
	back := time.Now()
	away.Store(false)
	rec.wait(t, "b is stale", told(rec, "b stale"))
	if after := time.Since(back); after < quick {
		t.Errorf("b was called stale %s after the server came back: that is not by what was seen since", after)
	}
	if rec.count("a stale") != 0 {
		t.Errorf("told %q", rec.told())
	}
	rec.wait(t, "nodes are seen again", sees(rec, "nodes"))
}

// TestServerHangs has the API server accept connections and answer nothing.
func TestServerHangs(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t)
	s.node("a")
	stop := s.beat(quick/8, func(string) bool { return false }, "a")
	defer stop()
	rec := watching(t, s)
	rec.wait(t, "a is fresh", told(rec, "a fresh"))
	s.set(func() { s.hung = true })
	s.http.CloseClientConnections()
	rec.wait(t, "leases are not seen", blind(rec, "leases", ""))
	time.Sleep(quick)
	if rec.count("a stale") != 0 {
		t.Errorf("told %q", rec.told())
	}
}

// TestForbidden has the right to see nodes withdrawn: then no Lease is judged either.
func TestForbidden(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t)
	s.node("a")
	var dead atomic.Bool
	stop := s.beat(quick/8, func(string) bool { return dead.Load() }, "a")
	defer stop()
	rec := watching(t, s)
	rec.wait(t, "a is fresh", told(rec, "a fresh"))
	s.set(func() { s.forbidden = "nodes" })
	s.http.CloseClientConnections()
	rec.wait(t, "nodes are not seen", blind(rec, "nodes", "salvor may not"))
	dead.Store(true)
	time.Sleep(2 * quick)
	if rec.count("a stale") != 0 || !blind(rec, "leases", "which nodes there are")() {
		t.Errorf("told %q, leases seen: %+v", rec.told(), rec.sight("leases"))
	}
	s.set(func() { s.forbidden = "" })
	rec.wait(t, "a is stale", told(rec, "a stale"))
}

// TestEndsWhileServerIsAway holds that Run ends soon although nothing can be reached.
func TestEndsWhileServerIsAway(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t)
	rec := watching(t, s)
	rec.wait(t, "nodes are seen", sees(rec, "nodes"))
	s.stop()
	rec.wait(t, "nodes are not seen", blind(rec, "nodes", "refused"))
}
