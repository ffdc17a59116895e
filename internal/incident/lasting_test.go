package incident

import (
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// TestWhatIsBroughtBackIsVerified: a plan that brings something back is not ended by what it does. Any other is.
func TestWhatIsBroughtBackIsVerified(t *testing.T) {
	restore := *testPlan("restore")
	restore.Steps = append([]responders.Step{}, restore.Steps...)
	restore.Steps[0].Change.Point = &responders.RecoveryPoint{Kind: "Backup", Name: "daily", At: t0}
	p := &restore
	begun := []Record{record(Opened), decided(PhaseRecover, policies.Act, p), stepped(Intent, PhaseRecover, p, 0), stepped(Done, PhaseRecover, p, 0)}
	gone := Sight{Now: t0.Add(time.Minute)}
	for name, c := range map[string]struct {
		history []Record
		do      Doing
	}{
		"goes on":             {begun, Step},
		"takes up a step":     {begun[:3], Resume},
		"is verified":         {append(begun[:4:4], stepped(Intent, PhaseRecover, p, 1), stepped(Done, PhaseRecover, p, 1)), Check},
		"but does not begin":  {[]Record{record(Opened), decided(PhaseRecover, policies.Deny, p)}, Append},
		"nor after it failed": {append(begun[:3:3], stepped(Failed, PhaseRecover, p, 0)), Append},
	} {
		inc, err := Fold(sequence(c.history))
		if err != nil {
			t.Fatal(err)
		}
		if got := inc.Upcoming(gone, Terms{}); got.Do != c.do {
			t.Errorf("%s: move %v (%s), want %v", name, got.Do, got.Record.Text, c.do)
		}
	}
}

// TestMoreWasLost: namespaces that were lost after the plan was made are not left so because what it was about is verified. It counts as no return.
func TestMoreWasLost(t *testing.T) {
	restore := *testPlan("restore")
	restore.Steps = append([]responders.Step{}, restore.Steps...)
	restore.Steps[0].Change.Point = &responders.RecoveryPoint{Kind: "Backup", Name: "daily", At: t0}
	restore.Steps[0].Change.Targets = []policies.Target{{Kind: "Namespace", Name: "shop"}, {Kind: "Namespace", Name: "pay"}}
	p := &restore
	verified := record(Checked)
	verified.Outcome = responders.OutcomeVerified
	history := []Record{record(Opened), decided(PhaseRecover, policies.Act, p)}
	for n := range p.Steps {
		history = append(history, stepped(Intent, PhaseRecover, p, n), stepped(Done, PhaseRecover, p, n))
	}
	history = append(history, verified)
	for lost, want := range map[string]Doing{"shop": Rest, "mail": Append, "mail, of which somebody wants a copy": Rest} {
		inc, err := Fold(sequence(history))
		if err != nil {
			t.Fatal(err)
		}
		if inc.Fault.Cause = classifiers.CauseNamespacesDeleted; strings.Contains(lost, "copy") {
			inc.Fault.Cause = classifiers.CauseDeclared
		}
		finding := &classifiers.Finding{Fault: classifiers.Fault{Scope: classifiers.Scope{Namespaces: []string{lost}}}}
		got := inc.Upcoming(Sight{Now: t0.Add(time.Hour), Finding: finding}, Terms{})
		if got.Do != want {
			t.Errorf("%s is lost: move %v (%s), want %v", lost, got.Do, got.Record.Text, want)
		}
		if want == Rest {
			continue
		}
		grown, err := Fold(sequence(append(history, got.Record)))
		if err != nil || grown.State != Deciding || grown.Count != 1 || got.Record.Kind != Recurred {
			t.Errorf("state %s, counted %d, %v", grown.State, grown.Count, err)
		}
	}
}

// TestWhatLastsIsNotTakenBack: where a runbook says no way back, an incident closes with what was done.
func TestWhatLastsIsNotTakenBack(t *testing.T) {
	gone := Sight{Now: t0.Add(time.Hour)}
	for lasts, want := range map[bool]Move{
		true:  {Do: Append, Record: Record{Kind: Closed, Text: "gone, and what was done stays"}},
		false: {Do: Decide, Phase: PhaseUndo},
	} {
		plan := *testPlan("recover")
		plan.Lasts = lasts
		p := &plan
		inc, err := Fold(sequence([]Record{record(Opened), decided(PhaseRecover, policies.Act, p), stepped(Intent, PhaseRecover, p, 0), stepped(Failed, PhaseRecover, p, 0), record(Cleared)}))
		if err != nil {
			t.Fatal(err)
		}
		if got := inc.Upcoming(gone, Terms{}); got.Do != want.Do || got.Record.Kind != want.Record.Kind || got.Record.Text != want.Record.Text {
			t.Errorf("lasts %v: move %+v, want %+v", lasts, got, want)
		}
	}
}
