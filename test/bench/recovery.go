package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/test/rig"
)

// shipped are the settings of a salvor.yaml that says nothing about them. A demonstration has shorter ones.
var shipped = rig.Settings{Name: "recovery", Confirm: 15 * time.Second, Healthy: 2 * time.Minute, Retry: 15 * time.Second, Patience: 10 * time.Second}

const (
	stockWithin  = 12 * time.Minute // stock Kubernetes takes about six
	stockWatched = 30 * time.Minute // for its StatefulSets, which it never recovers
	salvorWithin = 5 * time.Minute
)

// measureRecovery loses five nodes with nothing but stock Kubernetes, all at once, each in a zone of its own. They stay
// dead, and Salvor, when it is started then, takes them as standing faults and leaves them alone. Five others are lost to
// it, one after the other since it repairs no more at once.
func measureRecovery(ctx context.Context, b *bench) ([]row, error) {
	r, err := b.stack(ctx)
	if err != nil {
		return nil, err
	}
	stock, err := house(ctx, r, nodesOf("stock"))
	if err != nil {
		return nil, err
	}
	salvor, err := house(ctx, r, nodesOf("salvor"))
	if err != nil {
		return nil, err
	}
	say("stock Kubernetes loses %d nodes at once", len(stock))
	if err := loseToStock(ctx, r, stock); err != nil {
		return nil, err
	}
	if err := loseToSalvor(ctx, r, salvor); err != nil {
		return nil, err
	}
	rest := time.Until(stock[0].lost.Add(stockWatched))
	say("stock Kubernetes is watched for another %s", max(0, rest.Round(time.Second)))
	select {
	case <-time.After(rest):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := look(ctx, r, stock); err != nil {
		return nil, err
	}
	return recoveryRows(stock, salvor), nil
}

func loseToStock(ctx context.Context, r *rig.Rig, stock []*home) (err error) {
	for _, h := range stock {
		if h.lost, err = kill(ctx, r, h.node); err != nil {
			return err
		}
	}
	return watch(ctx, r, stock, stockWithin, func(h *home) bool { return !h.stateless.IsZero() })
}

func loseToSalvor(ctx context.Context, r *rig.Rig, salvor []*home) (err error) {
	s, err := serve(ctx, r, shipped)
	if err != nil {
		return err
	}
	defer closing(&err, s.Stop)
	if err := seen(ctx, s, 2*zones); err != nil {
		return err
	}
	for i, h := range salvor {
		say("Salvor loses node %d of %d", i+1, len(salvor))
		if h.lost, err = kill(ctx, r, h.node); err != nil {
			return err
		}
		if err := watch(ctx, r, []*home{h}, salvorWithin, (*home).recovered); err != nil {
			return err
		}
		if err := verified(ctx, s, h.node); err != nil {
			return err
		}
		if err := tell(ctx, s, h); err != nil {
			return err
		}
		if err := r.Stack.HealNode(ctx, h.node); err != nil {
			return err
		}
	}
	return nil
}

// verified waits until Salvor says so of its own recovery; only then it takes up another node.
func verified(ctx context.Context, s *rig.Server, node string) error {
	return rig.Wait(ctx, 2*time.Minute, "the recovery of "+node+" is verified", func(ctx context.Context) (bool, error) {
		list, err := s.Incidents(ctx)
		if err != nil {
			return false, err
		}
		for _, i := range list {
			if i.Anchor == "node/"+node && i.State == incident.Recovered {
				return true, nil
			}
		}
		return false, errors.New(summary(list))
	})
}

// tell says how a recovery went, record by record: a slow one is worth a question.
func tell(ctx context.Context, s *rig.Server, h *home) error {
	list, err := s.Incidents(ctx)
	if err != nil {
		return err
	}
	say("%s: Deployment after %.1f s, StatefulSet after %.1f s", h.node, h.took(h.stateless), h.took(h.stateful))
	for _, i := range list {
		if i.Anchor != "node/"+h.node {
			continue
		}
		inc, err := s.Incident(ctx, string(i.ID))
		if err != nil {
			return err
		}
		for _, rec := range inc.History {
			say("    +%5.1f s %-10s %s", h.took(rec.StoredAt), rec.Kind, rec.Text)
		}
	}
	return nil
}

func recoveryRows(stock, salvor []*home) []row {
	var rounds []round
	var stateful []float64
	stuck, watched := 0, time.Duration(0)
	for i := range salvor {
		rounds = append(rounds, round{ours: []float64{salvor[i].took(salvor[i].stateless)}, peer: []float64{stock[i].took(stock[i].stateless)}})
		stateful = append(stateful, salvor[i].took(salvor[i].stateful))
		if stock[i].stateful.IsZero() {
			stuck++
		}
		watched = max(watched, time.Since(stock[i].lost))
	}
	return []row{
		newRow("node_recovery_ratio", "ratio", atMost(0.25), ratio(rounds), fmt.Sprintf("p50 from a node's last Lease renewal until the pods of its Deployment run elsewhere, "+
			"shipped settings (%.1f s), by the same with stock Kubernetes only, in the same stack (%.1f s)", median(pooled(rounds, ours)), median(pooled(rounds, peer)))),
		newRow("stateful_recovery_s", "s", lower(), spread(stateful, 0.5), fmt.Sprintf("p50 from a node's last Lease renewal until the pod of its StatefulSet runs elsewhere, "+
			"after the power switch confirmed; stock Kubernetes recovered %d of %d, watched for %s", len(stock)-stuck, len(stock), watched.Round(time.Second))),
	}
}
