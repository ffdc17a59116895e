package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/incident"
)

// TestZone: both nodes of a zone die, where nothing may be done about zones. That is one incident, of the zone: no node is told of, none is repaired. When one of them
// returns, the zone is not lost any more and the other is a dead node like any.
func TestZone(t *testing.T) {
	s := begin(t, shared(t), patient("zone"))
	for _, node := range []string{"worker-3", "worker-4"} {
		s.must(s.rig.Stack.FailNode(s.ctx, node))
	}
	var list []api.Summary
	s.await(90*time.Second, "the zone has an incident that is held", func(ctx context.Context) (_ bool, err error) {
		list, err = s.Incidents(ctx)
		return len(list) > 0 && list[0].State == incident.Held, err
	})
	if len(list) != 1 || list[0].Anchor != "zone/eu-west-1b" || !strings.Contains(list[0].Why, "the mode is observe") {
		t.Fatalf("the incidents are %+v, want one of the zone", list)
	}
	zone, err := s.Incident(s.ctx, string(list[0].ID))
	s.must(err)
	if got := strings.Join(zone.Fault.Scope.Nodes, " "); got != "worker-3 worker-4" || !strings.Contains(zone.Fault.Sentence, "only the API server says so") {
		t.Errorf("the fault is %+v", zone.Fault)
	}
	s.nothingWritten()
	s.must(s.rig.Stack.HealNode(s.ctx, "worker-3"))
	s.reaches("worker-4", 2*time.Minute, incident.Recovered)
	s.must(s.rig.Stack.HealNode(s.ctx, "worker-4"))
	s.reaches("worker-4", 2*time.Minute, incident.Ended)
	s.await(time.Minute, "the incident of the zone has ended", func(ctx context.Context) (bool, error) {
		inc, err := s.Incident(ctx, string(zone.ID))
		return inc.State == incident.Ended, err
	})
	s.onceEach()
}
