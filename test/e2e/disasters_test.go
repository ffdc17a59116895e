package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/test/rig"
)

// TestDisasters: what goes wrong is told as what it is, in one incident with its evidence, and nothing is done about it for want of a
// runbook. Zones and storms have tests of their own.
func TestDisasters(t *testing.T) {
	t.Parallel()
	for _, d := range rig.Disasters() {
		if d.Nodes != nil {
			continue
		}
		t.Run(d.Name, func(t *testing.T) { tellsApart(t, d) })
	}
}

func tellsApart(t *testing.T, d rig.Disaster) {
	r, settings := shared(t), quick(d.Name)
	settings.Witness = d.Serve.Witness
	s := begin(t, r, settings)
	if d.Before != nil {
		s.must(d.Before(s.ctx, r, s.Server))
	}
	if d.After != nil {
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			s.check(d.After(ctx, r))
		})
	}
	s.must(d.Strike(s.ctx, r, s.Server))
	var list []api.Summary
	s.await(2*time.Minute, "there is an incident that waits for a person", func(ctx context.Context) (_ bool, err error) {
		list, err = s.Incidents(ctx)
		return len(list) > 0 && list[0].State == incident.Held, err
	})
	if len(list) != 1 {
		t.Fatalf("there are %d incidents: %+v", len(list), list)
	}
	inc, err := s.Incident(s.ctx, string(list[0].ID))
	s.must(err)
	if got := fmt.Sprintf("%s %s", inc.Kind, inc.Anchor); got != d.Kind+" "+d.Anchor || !strings.Contains(inc.Fault.Sentence, d.Finds) || len(inc.Fault.Evidence) == 0 {
		t.Errorf("it is %s: %q, evidence %v; want %s %s: %q", got, inc.Fault.Sentence, inc.Fault.Evidence, d.Kind, d.Anchor, d.Finds)
	}
	s.nothingWritten()
}
