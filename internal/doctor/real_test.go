package doctor_test

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/doctor"
	"github.com/salvor-io/salvor/test/rig"
	"github.com/salvor-io/salvor/test/stack"
)

// TestOnARealStack goes from a stack that is well to one with a second repairer and no server.
func TestOnARealStack(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a control plane")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	r, err := rig.Start(ctx, rig.Options{Stack: stack.Options{Alertmanagers: stack.Alertmanagers{Replicas: 2}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
	})
	s, err := r.Serve(rig.Settings{Name: "replica"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Kill() })
	ready := func(ctx context.Context) (bool, error) { return s.Ready(ctx), nil }
	if err := rig.Wait(ctx, time.Minute, "salvor is ready", ready); err != nil {
		log, _ := os.ReadFile(s.LogFile())
		t.Fatalf("%v\n%s", err, log)
	}
	examine := func() doctor.Report {
		report := doctor.Examine(ctx, doctor.Options{Config: s.Config, TestAlert: true, AlertWaits: time.Minute, Log: slog.New(slog.DiscardHandler)})
		t.Log("\n" + text(report))
		return report
	}

	well := examine()
	if well.Problems > 0 {
		t.Error("a stack that is well has problems")
	}
	holds(t, well, doctor.OK, "observe rights", "all ")
	holds(t, well, doctor.OK, "observe writes nothing", "no right to write")
	holds(t, well, doctor.OK, "act rights", "are allowed")
	holds(t, well, doctor.OK, "act has no more", "no other right")
	holds(t, well, doctor.OK, "second repairers", "none found")
	holds(t, well, doctor.OK, "power switch", "is on")
	holds(t, well, doctor.OK, "takes writes", "the running server")
	if n := strings.Count(text(well), "arrived at Salvor for cluster demo after"); n != 2 {
		t.Errorf("the test alert came back through %d Alertmanagers, want 2", n)
	}

	if err := r.Stack.Apply(ctx, []byte(nodeHealthChecks)); err != nil {
		t.Fatal(err)
	}
	if err := rig.Wait(ctx, 30*time.Second, "the NodeHealthCheck is made", func(ctx context.Context) (bool, error) {
		err := r.Stack.Apply(ctx, []byte(nodeHealthCheck))
		return err == nil, err
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := r.Stack.SetSwitch(ctx, "worker-1", stack.Switch{Mode: stack.SwitchAbsent}); err != nil {
		t.Fatal(err)
	}
	second := examine()
	holds(t, second, doctor.Warning, "round trip", "not made: no server runs")
	holds(t, second, doctor.OK, "takes writes", "the store in "+s.DataDir+" recorded one event durably")
	holds(t, second, doctor.Problem, "power switch", "asked about worker-1, it gave no answer that counts")
	holds(t, second, doctor.Problem, "second repairers", "the mode act is refused: NodeHealthCheck workers repairs 2 of 6 nodes, too")
}

const nodeHealthChecks = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: nodehealthchecks.remediation.medik8s.io
  annotations: {api-approved.kubernetes.io: unapproved}
spec:
  group: remediation.medik8s.io
  scope: Cluster
  names: {kind: NodeHealthCheck, plural: nodehealthchecks, singular: nodehealthcheck}
  versions:
    - name: v1alpha1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

const nodeHealthCheck = `
apiVersion: remediation.medik8s.io/v1alpha1
kind: NodeHealthCheck
metadata: {name: workers}
spec:
  minHealthy: 51%
  selector: {matchLabels: {topology.kubernetes.io/zone: eu-west-1a}}
  unhealthyConditions: [{type: Ready, status: "False", duration: 300s}, {type: Ready, status: Unknown, duration: 300s}]
`

// text is a report as people could read it.
func text(r doctor.Report) string {
	var out strings.Builder
	for _, f := range r.Findings {
		out.WriteString(string(f.State) + " | " + f.Part + " | " + f.Check + ": " + f.Found)
		if f.Do != "" {
			out.WriteString(" -> " + f.Do)
		}
		out.WriteString("\n")
	}
	return out.String()
}

// holds wants a finding of that check and state that says so.
func holds(t *testing.T, r doctor.Report, state doctor.State, check, says string) {
	t.Helper()
	for _, f := range r.Findings {
		if f.State == state && f.Check == check && strings.Contains(f.Found, says) {
			if state != doctor.OK && f.Do == "" {
				t.Errorf("%s %q does not say what to do", state, f.Found)
			}
			return
		}
	}
	t.Errorf("no %s of %q says %q in\n%s", state, check, says, text(r))
}
