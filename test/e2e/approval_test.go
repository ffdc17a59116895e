package e2e

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/responders"
)

// TestApproval: in mode ask a dead node waits for a person. What a stranger says does not count, nor what is said of another plan; the
// server is killed with kill -9 between the vote and the first step, and the plan runs once.
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

	goOn := s.holdAPIServer() // so that the first step cannot be done before the server is killed
	out, err := s.CLI(s.ctx, "approve", inc.Name, "--plan", plan)
	s.must(err)
	s.must(s.Kill())
	s.nothingWritten()
	goOn()
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

	// Before its return is written to the node, too: of an object that changes often the log keeps the last changes, and what was judged by
	// those before them need not come out the same.
	report := s.replayed()
	for _, d := range report.Differences { // when it was found may differ by a second, where ticks are made up
		if d.What == "decision" || d.What == "step" {
			t.Errorf("what was approved comes out otherwise: %+v", d)
		}
	}
	if report.Decisions < 2 || report.Steps < 4 || len(report.Odd) > 0 {
		t.Errorf("%d decisions and %d steps were compared, odd is %v", report.Decisions, report.Steps, report.Odd)
	}

	s.must(s.rig.Stack.HealNode(s.ctx, victim))
	s.reaches(victim, 2*time.Minute, incident.Ended)
	s.must(s.rig.Untouched(s.ctx, victim))
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

// holdAPIServer stops the API server where it stands, until what it returns is called, at the end of the test at the latest.
func (s *scene) holdAPIServer() (goOn func()) {
	s.t.Helper()
	status, err := s.rig.Stack.Status(s.ctx)
	s.must(err)
	for _, p := range status.Processes {
		if p.Name == "kube-apiserver" && p.Running {
			s.must(syscall.Kill(p.PID, syscall.SIGSTOP))
			var once sync.Once
			goOn = func() { once.Do(func() { s.check(syscall.Kill(p.PID, syscall.SIGCONT)) }) }
			s.t.Cleanup(goOn)
			return goOn
		}
	}
	s.t.Fatal("the API server does not run")
	return nil
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
