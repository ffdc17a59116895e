package e2e

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/test/rig"
	"github.com/salvor-io/salvor/test/stack"
)

// TestStorm: ten of twenty nodes are dark at once, all over the zones. The observer is suspected, people are told of one incident, no
// node is repaired.
func TestStorm(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the real stack")
	}
	t.Parallel()
	nodes := stack.Nodes(20)
	for i := range nodes {
		nodes[i].Domain = []string{"dark", "light"}[i%2]
	}
	r, err := start(rig.Options{Log: os.Stderr, Stack: stack.Options{Nodes: nodes, Alertmanagers: stack.Alertmanagers{Replicas: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
	})
	s := begin(t, r, patient("storm"))
	s.must(r.Stack.FailDomain(s.ctx, "dark"))
	s.await(90*time.Second, "the one incident of it all is held", func(ctx context.Context) (bool, error) {
		list, err := s.Incidents(ctx)
		return len(list) == 1 && list[0].State == incident.Held && list[0].Anchor == "cluster/"+rig.Cluster &&
			strings.Contains(list[0].Why, "the observer is suspected") && strings.HasPrefix(list[0].Sentence, "10 of 20 nodes"), err
	})
	s.await(30*time.Second, "people are told", func(ctx context.Context) (bool, error) {
		alerts, err := get(ctx, r.Stack.AlertmanagerURLs()[0]+"/api/v2/alerts")
		return strings.Count(alerts, `"SalvorIncident"`) == 1, err
	})
	s.must(r.Stack.HealDomain(s.ctx, "dark"))
	s.await(90*time.Second, "it has ended", func(ctx context.Context) (bool, error) {
		list, err := s.Incidents(ctx)
		return len(list) == 1 && list[0].State == incident.Ended, err
	})
	s.nothingWritten()
}

func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}
