package recovery

import (
	"testing"

	"github.com/salvor-io/salvor/internal/incident"
)

// TestWhyTheLastPlanStopped: what was said of anything else is not why it did.
func TestWhyTheLastPlanStopped(t *testing.T) {
	history := []incident.Sequenced{
		{Record: incident.Record{Kind: incident.Opened, Text: "worker-1 is silent"}},
		{Record: incident.Record{Kind: incident.Failed, Text: "the node is not off"}},
		{Record: incident.Record{Kind: incident.Decided, Text: "act: only worker-1 is broken"}},
		{Record: incident.Record{Kind: incident.Checked, Text: "1 of 2 pods is ready"}},
		{Record: incident.Record{Kind: incident.Handed, Text: "3 plans were tried"}},
	}
	for n, want := range []string{"", "", "the node is not off", "the node is not off", "1 of 2 pods is ready", "1 of 2 pods is ready"} {
		if got := stopCause(&incident.Incident{History: history[:n]}); got != want {
			t.Errorf("after %d records it is %q, want %q", n, got, want)
		}
	}
}
