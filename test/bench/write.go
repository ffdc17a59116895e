package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/test/rig"
	"github.com/salvor-io/salvor/test/stack"
)

const (
	writeRounds = 2 // each fails all nodes but those that stay
	writeGap    = 2500 * time.Millisecond
)

// writeSettings let many nodes be repaired at once and soon. What is measured lies between two moments they do not touch.
var writeSettings = rig.Settings{Name: "write", Confirm: time.Second, Healthy: time.Second, Retry: time.Second,
	Extra: "limits: {nodes_per_zone: 10, fleet_share: 1, storm: {nodes: 1000, share: 1, within: 2m}}"}

// measureFaultToWrite fails nodes that run pods, one after the other, and compares when each fault was confirmed with when
// the API server got the first write about its node.
func measureFaultToWrite(ctx context.Context, b *bench) (rows []row, err error) {
	r, err := b.stack(ctx)
	if err != nil {
		return nil, err
	}
	s, err := serve(ctx, r, writeSettings)
	if err != nil {
		return nil, err
	}
	defer closing(&err, s.Stop)
	if err := r.Deploy(ctx, 30, 2); err != nil {
		return nil, err
	}
	nodes := slices.Concat(nodesOf("salvor"), nodesOf("stock"))
	for i := range writeRounds {
		say("round %d of %d: %d nodes are lost one after the other, recovered, and come back", i+1, writeRounds, len(nodes))
		if err := loseAndReturn(ctx, r, s, nodes); err != nil {
			return nil, err
		}
	}
	waits, err := faultsToWrites(ctx, r, s)
	if err != nil {
		return nil, err
	}
	if want := writeRounds * len(nodes); len(waits) != want {
		return nil, fmt.Errorf("%d faults were confirmed and led to a write, want %d", len(waits), want)
	}
	if _, err := r.Stack.Kubectl(ctx, stack.Admin, "delete", "namespace", rig.Shop); err != nil {
		return nil, err
	}
	wrote := pick(waits, func(w wait) float64 { return w.wrote })
	compared := fmt.Sprintf("p99 from the moment the fault counted as one, its incident opened, until the API server got the first write of salvor-act about the node "+
		"(its audit log); p50 %.1f ms, of which until decided %.1f and until intended %.1f; no peer; confirmation window and limits set aside",
		median(wrote), median(pick(waits, func(w wait) float64 { return w.decided })), median(pick(waits, func(w wait) float64 { return w.intended })))
	return []row{newRow("fault_to_write_p99_ms", "ms", atMost(50), spread(wrote, 0.99), compared)}, nil
}

// serve starts a server on the rig and waits until it is ready and has seen all nodes well.
func serve(ctx context.Context, r *rig.Rig, settings rig.Settings) (*rig.Server, error) {
	s, err := r.Serve(settings)
	if err != nil {
		return nil, err
	}
	err = rig.Wait(ctx, 30*time.Second, "salvor is ready", func(ctx context.Context) (bool, error) { return s.Ready(ctx), nil })
	if err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// loseAndReturn fails the nodes, waits until all are recovered, switches them on, and waits until all incidents have ended.
func loseAndReturn(ctx context.Context, r *rig.Rig, s *rig.Server, nodes []string) error {
	if err := seen(ctx, s, 3*zones); err != nil {
		return err
	}
	if err := killApart(ctx, r, nodes, writeGap); err != nil {
		return err
	}
	if err := states(ctx, s, len(nodes), incident.Recovered, incident.HandedOver); err != nil {
		return err
	}
	for _, node := range nodes {
		if err := r.Stack.HealNode(ctx, node); err != nil {
			return err
		}
	}
	return states(ctx, s, 0, incident.Ended)
}

// seen waits until the server has seen so many nodes well.
func seen(ctx context.Context, s *rig.Server, nodes int) error {
	want := fmt.Sprintf("salvor_nodes{cluster=%q,state=\"well\"} %d\n", rig.Cluster, nodes)
	return rig.Wait(ctx, 90*time.Second, "salvor has seen all nodes well", func(ctx context.Context) (bool, error) {
		metrics, err := s.Metrics(ctx)
		return strings.Contains(metrics, want), err
	})
}

// states waits until all live incidents, which are so many, are in one of the states. Zero waits until none lives.
func states(ctx context.Context, s *rig.Server, live int, wanted ...incident.State) error {
	what := fmt.Sprintf("%d incidents are %v", live, wanted)
	return rig.Wait(ctx, 5*time.Minute, what, func(ctx context.Context) (bool, error) {
		list, err := s.Incidents(ctx)
		if err != nil {
			return false, err
		}
		alive := slices.DeleteFunc(list, func(i api.Summary) bool { return !i.Live })
		there := func(i api.Summary) bool { return slices.Contains(wanted, i.State) }
		if len(alive) == live && !slices.ContainsFunc(alive, func(i api.Summary) bool { return !there(i) }) {
			return true, nil
		}
		return false, fmt.Errorf("%d live, last seen: %s", len(alive), summary(alive))
	})
}

func summary(list []api.Summary) string {
	var parts []string
	for _, i := range list {
		parts = append(parts, fmt.Sprintf("%s %s (%s)", i.Anchor, i.State, i.Why))
	}
	return strings.Join(parts, ", ")
}
