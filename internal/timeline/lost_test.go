package timeline

import (
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// TestWhatWasLost: how much was written between the recovery point and the fault is said of what came back, and of nothing else.
func TestWhatWasLost(t *testing.T) {
	began := time.Date(2026, 3, 2, 3, 2, 0, 0, time.UTC)
	restored := func(outcome responders.Outcome, at time.Time) *incident.Incident {
		plan := &responders.Plan{Steps: []responders.Step{{Change: responders.Change{Point: &responders.RecoveryPoint{Name: "daily", At: at}}}}}
		return &incident.Incident{State: incident.Recovered, Outcome: outcome, OpenedAt: began, Fault: classifiers.Fault{Since: began}, History: []incident.Sequenced{
			{Record: incident.Record{Kind: incident.Opened, At: began, Fault: &classifiers.Fault{Since: began}}},
			{Record: incident.Record{Kind: incident.Decided, At: began, Decided: &incident.Decision{Phase: incident.PhaseRecover, Plan: plan, Answer: policies.Decision{Verdict: policies.Act}}}},
			{Record: incident.Record{Kind: incident.Checked, At: began.Add(68 * time.Second), Outcome: outcome}}}}
	}
	for _, c := range []struct {
		inc  *incident.Incident
		want string
	}{
		{restored(responders.OutcomeVerified, began.Add(-62*time.Minute)), "; lost: all writes after 02:00 UTC (" + Lasting(62*time.Minute) + ")"},
		{restored(responders.OutcomePartly, began.Add(-26*time.Hour)), "; lost: all writes after 2026-03-01 01:02 UTC (" + Lasting(26*time.Hour) + ")"},
		{restored(responders.OutcomeNotVerified, began.Add(-time.Hour)), ""},
		{restored(responders.OutcomeVerified, began.Add(time.Hour)), ""},
		{&incident.Incident{Outcome: responders.OutcomeVerified, Fault: classifiers.Fault{Since: began}}, ""},
	} {
		if got := Lost(c.inc); got != c.want {
			t.Errorf("lost %q, want %q", got, c.want)
		}
	}
	all := Case{Incident: restored(responders.OutcomeVerified, began.Add(-62*time.Minute)), Now: began.Add(time.Hour)}
	if show, want := Show(all), "RECOVERED in "+Lasting(68*time.Second)+"; lost: all writes after 02:00 UTC"; !strings.Contains(show, want) {
		t.Errorf("it shows\n%s\nwant %s", show, want)
	}
	if report, want := Report(all), "| recovery point | first sign (lost) | "+Lasting(62*time.Minute)+" |"; !strings.Contains(report, want) {
		t.Errorf("it reports\n%s\nwant %s", report, want)
	}
}
