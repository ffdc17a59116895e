package kube

import (
	"testing"

	"k8s.io/client-go/kubernetes/fake"

	"github.com/salvor-io/salvor/events"
)

// TestBeginSaysThatNothingIsSeen: what an earlier life of the replica saw is no sight of now.
func TestBeginSaysThatNothingIsSeen(t *testing.T) {
	rec := newRecorder()
	src, err := New(Options{Cluster: "c", Replica: "r", Client: fake.NewSimpleClientset(), Log: rec, View: rec, Logger: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	seq, err := src.Begin(t.Context())
	if err != nil || int(seq) != 2+len(src.posts) {
		t.Fatalf("it lies at %d, error %v, want %d", seq, err, 2+len(src.posts))
	}
	watches := []string{"nodes", "leases"}
	for _, p := range src.posts {
		watches = append(watches, p.name())
	}
	for n, watch := range watches {
		ev := rec.all[n]
		said := decode[events.Observer](ev)
		if ev.Type != events.TypeObserver || ev.Entity != "observer/r/"+watch || said.Watch != watch || said.Seeing || said.Synced {
			t.Errorf("event %s of %s says %+v", ev.Type, ev.Entity, said)
		}
	}
}
