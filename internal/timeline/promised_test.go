package timeline

import (
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/responders"
)

// TestWhatWasNotPromised: of what is recovered it is said what is not, until the fault has gone away.
func TestWhatWasNotPromised(t *testing.T) {
	inc := &incident.Incident{Key: incident.Key{Cluster: "prod"}, State: incident.Recovered, Outcome: responders.OutcomeVerified, Plan: &responders.Plan{Checks: []responders.Check{{Change: responders.Change{
		Facts: []responders.Fact{{Label: "Moves", Count: 2, Lines: []string{"web", "db"}}, {Label: "Stays down", Grave: true, Lines: []string{"ledger\x1b[1m"}}}}}}}}
	show := Show(Case{Incident: inc, Now: time.Unix(0, 0)})
	if !strings.Contains(show, "RECOVERED; stays down: 1\n") || !strings.Contains(show, "STAYS DOWN  "+Plain("ledger\x1b[1m")+"\n") || strings.Contains(show, "web") {
		t.Errorf("it shows\n%s", show)
	}
	inc.State = incident.Clearing
	if show := Show(Case{Incident: inc, Now: time.Unix(0, 0)}); strings.Contains(strings.ToLower(show), "stays down") {
		t.Errorf("after the fault went away it shows\n%s", show)
	}
}
