package e2e

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/responders"
)

// TestApproval: in mode ask a dead node waits for a person. What a stranger says does not count, nor what is said of another plan; the
// server is killed with kill -9 right after the vote, and the plan runs once.
func TestApproval(t *testing.T) {
	settings := quick("asked")
	settings.Mode, settings.Others = "ask", []string{"bob"}
	s := begin(t, shared(t), settings)
	victim := s.lose()
	inc := s.reaches(victim, time.Minute, incident.Awaiting)
	s.nothingWritten()
	list, err := s.CLI(s.ctx, "approvals")
	s.must(err)
	if !strings.Contains(list, inc.Name) || !strings.Contains(list, "1 of sre-oncall") {
		t.Errorf("approvals:\n%s", list)
	}
	plan := s.decidedOf(inc.Name)

	_, err = s.As(s.ctx, "bob", "approve", inc.Name, "--plan", plan)
	wantExit(t, err, 4, "bob is not one of those who are asked")
	_, err = s.CLI(s.ctx, "approve", inc.Name, "--plan", "0000")
	wantExit(t, err, 7, "is asked about by now")
	s.nothingWritten()

	out, err := s.CLI(s.ctx, "approve", inc.Name, "--plan", plan)
	s.must(err)
	s.must(s.Kill())
	if !strings.Contains(out, "alice approved plan "+plan) {
		t.Errorf("approve says %q", out)
	}
	s.must(s.Start())
	s.await(30*time.Second, "salvor is ready again", func(ctx context.Context) (bool, error) { return s.Ready(ctx), nil })
	_, err = s.CLI(s.ctx, "approve", inc.Name, "--plan", plan)
	wantExit(t, err, 6, "alice approved plan")
	inc = s.reaches(victim, 3*time.Minute, incident.Recovered)
	if inc.Outcome != responders.OutcomeVerified {
		t.Errorf("outcome %s, want verified", inc.Outcome)
	}
	s.onceEach()

	s.must(s.rig.Stack.HealNode(s.ctx, victim))
	s.reaches(victim, 2*time.Minute, incident.Ended)
	s.must(s.rig.Untouched(s.ctx, victim))
	report := s.replayed()
	for _, d := range report.Differences { // when it was found may differ by a second, where ticks are made up
		if d.What == "decision" || d.What == "step" {
			t.Errorf("what was approved comes out otherwise: %+v", d)
		}
	}
	if report.Decisions < 3 || report.Steps < 5 || len(report.Odd) > 0 {
		t.Errorf("%d decisions and %d steps were compared, odd is %v", report.Decisions, report.Steps, report.Odd)
	}
	show, err := s.CLI(s.ctx, "incidents", "show", inc.Name)
	s.must(err)
	for _, want := range []string{"bob wanted to approve, which does not count", "approved  alice via token", "and they have approved"} {
		if !strings.Contains(show, want) {
			t.Errorf("incidents show does not tell of %q:\n%s", want, show)
		}
	}
	_, err = s.CLI(s.ctx, "audit", "verify")
	s.must(err)
}

// decidedOf is the name of the plan that was decided about last.
func (s *scene) decidedOf(name string) string {
	s.t.Helper()
	inc, err := s.Incident(s.ctx, name)
	s.must(err)
	for i := len(inc.History) - 1; i >= 0; i-- {
		if d := inc.History[i].Decided; d != nil && d.Plan != nil {
			return d.Plan.ShortDigest()
		}
	}
	s.t.Fatalf("no plan of %s was decided about", name)
	return ""
}

// wantExit is the exit code of a command, and what it says.
func wantExit(t *testing.T, err error, code int, says string) {
	t.Helper()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != code || !strings.Contains(err.Error(), says) {
		t.Errorf("it ends with %v, want exit code %d and %q", err, code, says)
	}
}
