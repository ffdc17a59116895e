package main

import (
	"context"
	"strings"
	"testing"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/approval"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/people"
)

// spoken keeps what people have said, or refuses it.
type spoken struct {
	inc    *incident.Incident
	refuse *approval.Refusal
	halts  []approval.Halt
	breaks []approval.Break
}

func (s *spoken) answer(why string) (*incident.Incident, error) {
	if s.refuse != nil {
		return nil, s.refuse
	}
	inc := *s.inc
	inc.Why = why
	return &inc, nil
}

func (s *spoken) Say(context.Context, people.Person, incident.ID, approval.Said) (*incident.Incident, error) {
	return s.answer("said")
}

func (s *spoken) Stop(_ context.Context, who people.Person, _ incident.ID, halt approval.Halt) (*incident.Incident, error) {
	s.halts = append(s.halts, halt)
	return s.answer(who.Name + " stopped it")
}

func (s *spoken) BreakGlass(_ context.Context, _ people.Person, _ incident.ID, b approval.Break) (*incident.Incident, error) {
	s.breaks = append(s.breaks, b)
	return s.answer("BROKEN GLASS")
}

// Runbooks knows none.
func (s *spoken) Runbooks(classifiers.Kind) []string { return nil }

// IsReturn implements api.Runbooks.
func (*spoken) IsReturn(string) bool { return false }

func TestRunWithoutSuchARunbook(t *testing.T) {
	s := serving(t)
	if got := salvor(t.Context(), nil, "run", "none", "--with", "node=w1", "--cluster", "prod-eu", "--reason", "x", "--socket", s.socket); got.code != exitNotFound || !strings.Contains(got.talked, `no runbook is named "none"`) {
		t.Errorf("%+v", got)
	}
	for _, wrong := range [][]string{{"run"}, {"run", "none", "--reason", "x"}, {"run", "none", "--cluster", "prod-eu"}, {"run", "none", "--with", "node", "--cluster", "prod-eu", "--reason", "x"}} {
		if got := salvor(t.Context(), nil, wrong...); got.code != exitUsage {
			t.Errorf("%v: %+v", wrong, got)
		}
	}
}

// TestStopAndBreakGlass: a plan that is not named is looked up and shown where it is to be stopped, and has to be named where it is to run.
func TestStopAndBreakGlass(t *testing.T) {
	s := serving(t)
	name, plan := s.inc.Name(), s.inc.Decision.Plan
	run := func(args ...string) result { return salvor(t.Context(), nil, append(args, "--socket", s.socket)...) }
	got := run("stop", name, "--undo", "--reason", "back")
	if got.code != exitOK || !strings.HasSuffix(got.out, " stopped it\n") || !strings.Contains(got.talked, "plan "+plan.ShortDigest()+" of "+name) {
		t.Errorf("%+v", got)
	}
	if got = run("stop", name, "--plan", "4f2a"); got.code != exitOK || got.talked != "" {
		t.Errorf("%+v", got)
	}
	if h := s.spoken.halts; len(h) != 2 || h[0] != (approval.Halt{Plan: plan.Digest, Undo: true, Reason: "back"}) || h[1] != (approval.Halt{Plan: "4f2a"}) {
		t.Errorf("stopped %+v", h)
	}
	if got = run("break-glass", name, "--reason", "it burns"); got.code != exitUsage || len(s.spoken.breaks) != 0 {
		t.Errorf("%+v", got)
	}
	if got = run("break-glass", name, "--plan", "4f2a", "--reason", "it burns"); got.code != exitOK || got.out != name+": BROKEN GLASS\n" {
		t.Errorf("%+v", got)
	}
	for cause, code := range map[approval.Cause]int{approval.NotAuthorised: exitNotAuthorised, approval.Decided: exitDecided, approval.SaidBefore: exitDecided, approval.PlanChanged: exitPlanChanged} {
		s.spoken.refuse = &approval.Refusal{Cause: cause, Why: "so it is", Do: "do that"}
		if got = run("stop", name, "--plan", "4f2a"); got.code != code || got.talked != "error: stop "+name+": so it is\nnext: do that\n" {
			t.Errorf("%s: %+v", cause, got)
		}
	}
}
