package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/test/rig"
	"github.com/salvor-io/salvor/test/stack"
)

const (
	restoreRounds = 3
	bigObjects    = 1000
	waveObjects   = 100
	waves         = 10
)

// inHaste is the shipped runbook with less time in which to hold: what is measured is over by then.
const inHaste = `apiVersion: salvor.io/v1
kind: Runbook
metadata: {name: namespace-restore}
spec:
  fault: data
  cause: [namespaces-deleted]
  order: 10
  steps:
    - {name: restore, use: namespace.restore, with: {namespaces: "${fault.namespaces}"}, deadline: 20m}
  verify:
    - {use: probe.http, settle: 1s}
`

// measureRestore deletes namespaces and has them restored from the same backup by Velero's command, one after the other, and by Salvor, in turn.
func measureRestore(ctx context.Context, b *bench) (rows []row, err error) {
	r, err := rig.Start(ctx, rig.Options{Salvor: b.binary, Log: os.Stderr, Pair: true, Stack: stack.Options{Nodes: stack.Nodes(3)}})
	if err != nil {
		return nil, fmt.Errorf("start the stack: %w", err)
	}
	defer closing(&err, r.Stop)
	v := &vault{rig: r}
	if err := v.fill(ctx); err != nil {
		return nil, err
	}
	var overhead, inWaves []round
	for range restoreRounds {
		for _, m := range []struct {
			rounds *[]round
			of     []string
		}{{&overhead, []string{"big"}}, {&inWaves, waveNames()}} {
			one, err := v.round(ctx, m.of)
			if err != nil {
				return nil, err
			}
			*m.rounds = append(*m.rounds, one)
		}
	}
	return []row{
		newRow("restore_overhead_ratio", "ratio", atMost(1.1), ratio(overhead), restoreCompared(fmt.Sprintf("a namespace of %d objects", bigObjects), "one", overhead)),
		newRow("restore_waves_ratio", "ratio", atMost(1.05), ratio(inWaves), restoreCompared(fmt.Sprintf("%d namespaces of %d objects each", waves, waveObjects), fmt.Sprint(waves, ", one after the other"), inWaves)),
	}, nil
}

func restoreCompared(what, times string, rounds []round) string {
	return fmt.Sprintf("p50 from the start of the plan until Velero has completed the Restores of %s (%.1f s), by p50 of velero restore create --wait of %s (%.1f s); same Velero, same backup, in turn",
		what, median(pooled(rounds, ours))/1000, times, median(pooled(rounds, peer))/1000)
}

// vault is a cluster whose namespaces are in a backup.
type vault struct {
	rig *rig.Rig
	n   int // rounds so far
}

func waveNames() []string {
	var names []string
	for n := range waves {
		names = append(names, fmt.Sprintf("wave-%d", n))
	}
	return names
}

// fill makes the namespaces with their objects, and one backup of all.
func (v *vault) fill(ctx context.Context) error {
	say("%d objects are made and backed up", bigObjects+waves*waveObjects)
	if err := v.make(ctx, "big", bigObjects); err != nil {
		return err
	}
	for _, name := range waveNames() {
		if err := v.make(ctx, name, waveObjects); err != nil {
			return err
		}
	}
	_, err := v.rig.Stack.Velero(ctx, "backup", "create", "bench", "--include-namespaces", "big,"+strings.Join(waveNames(), ","), "--snapshot-volumes=false", "--wait")
	return err
}

func (v *vault) make(ctx context.Context, namespace string, objects int) error {
	var all bytes.Buffer
	fmt.Fprintf(&all, "{apiVersion: v1, kind: Namespace, metadata: {name: %s}}\n", namespace)
	for n := range objects {
		fmt.Fprintf(&all, "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: object-%04d, namespace: %s}, data: {number: \"%d\"}}\n", n, namespace, n)
	}
	return v.rig.Stack.Apply(ctx, all.Bytes())
}

// round measures in milliseconds: first Velero's command, with no Salvor about, then Salvor.
func (v *vault) round(ctx context.Context, namespaces []string) (r round, err error) {
	v.n++
	if err := v.lose(ctx, namespaces); err != nil {
		return r, err
	}
	begun := time.Now()
	for _, name := range namespaces {
		if _, err := v.rig.Stack.Velero(ctx, "restore", "create", fmt.Sprintf("by-hand-%d-%s", v.n, name), "--from-backup", "bench", "--include-namespaces", name, "--wait"); err != nil {
			return r, err
		}
	}
	r.peer = []float64{inMillis(time.Since(begun))}
	took, err := v.bySalvor(ctx, namespaces)
	r.ours = []float64{inMillis(took)}
	return r, err
}

func (v *vault) lose(ctx context.Context, namespaces []string) error {
	_, err := v.rig.Stack.Kubectl(ctx, stack.Human, append([]string{"delete", "namespace", "--wait", "--timeout=180s"}, namespaces...)...)
	return err
}

// bySalvor loses namespaces under a Salvor that is started for it, approves of its plan, and measures until Velero is done.
func (v *vault) bySalvor(ctx context.Context, namespaces []string) (took time.Duration, err error) {
	s, err := v.serve(ctx)
	if err != nil {
		return 0, err
	}
	defer closing(&err, s.Stop)
	if err := v.lose(ctx, namespaces); err != nil {
		return 0, err
	}
	id, err := awaiting(ctx, s, len(namespaces))
	if err != nil {
		return 0, err
	}
	before, err := v.completed(ctx)
	if err != nil {
		return 0, err
	}
	if _, err := approveAll(ctx, s); err != nil {
		return 0, err
	}
	err = rig.Wait(ctx, 15*time.Minute, "Velero has completed the Restores", func(ctx context.Context) (bool, error) {
		now, err := v.completed(ctx)
		return now-before == len(namespaces), err
	})
	if err != nil {
		return 0, err
	}
	done := time.Now()
	if err := states(ctx, s, 0, incident.Ended); err != nil {
		return 0, err
	}
	return v.since(ctx, s, id, done)
}

// awaiting is the incident that people are asked about, once its plan is about that many namespaces. That many objects of one namespace are gone may be
// another, which is part of it.
func awaiting(ctx context.Context, s *rig.Server, namespaces int) (id string, err error) {
	return id, rig.Wait(ctx, 3*time.Minute, "people are asked about all namespaces", func(ctx context.Context) (bool, error) {
		var asked []api.Approval
		err := s.Call(ctx, http.MethodGet, "/v1/approvals", nil, &asked)
		for _, a := range asked {
			about := slices.DeleteFunc(a.Proposal.Targets, func(target policies.Target) bool { return target.Kind != "Namespace" })
			if len(about) == namespaces {
				id = string(a.Incident)
			}
		}
		return id != "", err
	})
}

// since is how long before a moment the plan of an incident began, whose outcome has to be verified.
func (v *vault) since(ctx context.Context, s *rig.Server, id string, done time.Time) (time.Duration, error) {
	inc, err := s.Incident(ctx, id)
	if err != nil {
		return 0, err
	}
	if inc.Outcome != responders.OutcomeVerified {
		return 0, fmt.Errorf("the outcome of %s is %s: %s", inc.Name, inc.Outcome, inc.Why)
	}
	for _, rec := range slices.Backward(inc.History) {
		if rec.Kind == incident.Intent {
			return done.Sub(rec.StoredAt), nil
		}
	}
	return 0, errors.New("no step was begun")
}

// completed counts the Restores that Velero has completed.
func (v *vault) completed(ctx context.Context) (int, error) {
	phases, err := v.rig.Stack.Kubectl(ctx, stack.Admin, "-n", "velero", "get", "restores.velero.io", "-o", "jsonpath={.items[*].status.phase}")
	if err != nil {
		return 0, err
	}
	count := 0
	for _, phase := range strings.Fields(phases) {
		switch {
		case phase == "Completed":
			count++
		case strings.HasSuffix(phase, "Failed"):
			return 0, fmt.Errorf("a Restore is %s", phase)
		}
	}
	return count, nil
}

// serve starts a Salvor that has been promised everything, and waits until it sees the cluster.
func (v *vault) serve(ctx context.Context) (*rig.Server, error) {
	dir := filepath.Join(v.rig.Dir, "runbooks")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make a folder for runbooks: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "namespace-restore.yaml"), []byte(inHaste), 0o644); err != nil {
		return nil, fmt.Errorf("write the runbook: %w", err)
	}
	s, err := v.rig.Serve(rig.Settings{Name: fmt.Sprintf("restore-%d", v.n), Data: "ask", Confirm: 12 * time.Second, Healthy: 5 * time.Second, Retry: 2 * time.Second,
		Extra: fmt.Sprintf("runbooks: {dir: %s}\nprotection: [{name: bench, level: 2, rpo: 24h, namespaces: [big, %s]}]\n",
			dir, strings.Join(waveNames(), ", "))})
	if err != nil {
		return nil, err
	}
	if err := v.rig.SeesAll(ctx, s); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}
