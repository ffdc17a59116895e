package timeline

import (
	"testing"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/responders"
)

// TestWhatHeld holds that a check with nothing to look at is told as what it is, and not as something that held.
func TestWhatHeld(t *testing.T) {
	available := responders.Check{Name: "workload.available", SettleS: 15, Change: responders.Change{Will: []string{"web is awaited to be available"}}}
	serves := responders.Check{Name: "probe.http", SettleS: 15, Change: responders.Change{Nothing: true,
		Will: []string{"nothing says whether it serves: no probe is configured for prod"}}}
	several := responders.Check{Name: "probe.http", SettleS: 60, Change: responders.Change{Will: []string{"a", "b"}}}
	for want, checks := range map[string][]responders.Check{
		"web is awaited to be available, held for 15s; nothing says whether it serves: no probe is configured for prod": {available, serves},
		"web is awaited to be available, held for 15s, probe.http, held for 1m00s":                                      {available, several},
		"nothing was left to check": nil,
	} {
		told := &teller{plan: &responders.Plan{Checks: checks}}
		got := told.checked(entry{}, incident.Sequenced{Record: incident.Record{Outcome: responders.OutcomeVerified}})
		if got.text != want {
			t.Errorf("told %q, want %q", got.text, want)
		}
	}
}
