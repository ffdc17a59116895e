package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/judging"
)

const (
	fleetCluster = "bench"
	fleetNodes   = 5000
)

// judges are what judges with the shipped settings, for one cluster that is not reached.
func judges(ctx context.Context) (*judging.Judgement, error) {
	text := fmt.Sprintf("clusters: [{name: %s, region: eu-west-1, environment: prod, observe: {in_cluster: true}}]\n", fleetCluster)
	cfg, err := config.Parse("salvor.yaml", []byte(text))
	if err != nil {
		return nil, err
	}
	return judging.New(ctx, cfg, nil)
}

// fleet is a view of one cluster of many nodes in three zones, told of nothing but events.
type fleet struct {
	view *classifiers.View
	now  time.Time
}

// newFleet makes a fleet that is well.
func newFleet(j *judging.Judgement) (*fleet, error) {
	f := &fleet{view: classifiers.NewView(j.Table.Meaning), now: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)}
	for i := range fleetNodes {
		name := fleetNode(i)
		err := f.tell(events.TypeNode, "node/"+name, events.Node{Name: name, UID: "uid-" + name, ResourceVersion: "1",
			Zone: "eu-west-1" + string(rune('a'+i%3)), Region: "eu-west-1", Ready: events.Condition{Status: "True"}})
		if err != nil {
			return nil, err
		}
		if err := f.lease(i, events.LeaseFresh); err != nil {
			return nil, err
		}
	}
	return f, f.second()
}

func fleetNode(i int) string { return "worker-" + strconv.Itoa(i) }

func (f *fleet) lease(node int, state events.LeaseState) error {
	name := fleetNode(node)
	return f.tell(events.TypeLease, "node/"+name, events.Lease{Node: name, UID: "lease-" + name, ResourceVersion: strconv.FormatUint(f.view.Seq, 10), State: state})
}

// second lets a second pass in which all observers see.
func (f *fleet) second() error {
	f.now = f.now.Add(time.Second)
	for _, watch := range []string{"nodes", "leases", "pods"} {
		err := f.tell(events.TypeObserver, "observer/bench/"+watch, events.Observer{Replica: "bench", Watch: watch, Seeing: true, Synced: true})
		if err != nil {
			return err
		}
	}
	return f.tell(events.TypeTick, "tick/clock", events.Tick{Second: f.now.Unix()})
}

// tell folds an event.
func (f *fleet) tell(typ events.Type, entity string, payload any) error {
	seq := f.view.Seq + 1
	ev, err := events.New("bench/"+strconv.FormatUint(seq, 10), typ, "/bench", fleetCluster, entity, f.now, payload)
	if err != nil {
		return err
	}
	return f.view.Fold(events.Recorded{Event: ev, Seq: seq, At: f.now})
}

// die silences all nodes of the first zone, within some seconds, and lets the time pass that confirms it.
func (f *fleet) die() (silent int, err error) {
	for i := 0; i+3 < fleetNodes; i += 3 {
		if i%999 == 0 {
			if err := f.second(); err != nil {
				return 0, err
			}
		}
		if err := f.lease(i, events.LeaseStale); err != nil {
			return 0, err
		}
		silent++
	}
	for range 20 {
		if err := f.second(); err != nil {
			return 0, err
		}
	}
	return silent, nil
}
