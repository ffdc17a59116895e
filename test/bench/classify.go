package main

import (
	"context"
	"fmt"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/judging"
)

const (
	passRounds = 20
	passEach   = 10 // passes of a round, over each of the two fleets
)

// measureClassify lets all classifiers pass over a fleet that is well and over one of which a zone is lost, in turn.
func measureClassify(ctx context.Context, _ *bench) ([]row, error) {
	j, err := judges(ctx)
	if err != nil {
		return nil, err
	}
	well, err := newFleet(j)
	if err != nil {
		return nil, err
	}
	dying, err := newFleet(j)
	if err != nil {
		return nil, err
	}
	silent, err := dying.die()
	if err != nil {
		return nil, err
	}
	if err := rightly(j, well, dying, silent); err != nil {
		return nil, err
	}
	var wells, dyings []float64
	for range passRounds {
		wells = append(wells, passes(j, well)...)
		dyings = append(dyings, passes(j, dying)...)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return []row{
		newRow("classify_pass_ms", "ms", atMost(5), spread(dyings, 0.5), fmt.Sprintf("p50 of one pass of all %d classifiers, with the shipped settings, "+
			"over one cluster of %d nodes in 3 zones, %d nodes of one of them silent for half a minute; p99 %.2f ms; no peer", len(j.Classifiers), fleetNodes, silent, quantile(dyings, 0.99))),
		newRow("classify_well_ms", "ms", lower(), spread(wells, 0.5), fmt.Sprintf("the same over a fleet that is well, in turn with it; p99 %.2f ms; no peer", quantile(wells, 0.99))),
	}, nil
}

// rightly wants nothing to be found of the one, and of the other the zone, which explains all of its nodes.
func rightly(j *judging.Judgement, well, dying *fleet, silent int) error {
	if found := classifiers.Classify(well.view, j.Classifiers); len(found) > 0 {
		return fmt.Errorf("%s is found of a fleet that is well", found[0].Sentence)
	}
	zones, under := 0, 0
	for _, f := range classifiers.Classify(dying.view, j.Classifiers) {
		switch {
		case f.Kind == classifiers.KindZone && f.Lasted(dying.view.Now):
			zones++
		case f.Kind == classifiers.KindNode && f.Under != nil:
			under++
		}
	}
	if zones != 1 || under != silent {
		return fmt.Errorf("%d lost zones explain %d nodes, want one that explains %d", zones, under, silent)
	}
	return nil
}

// passes are in milliseconds.
func passes(j *judging.Judgement, f *fleet) []float64 {
	took := make([]float64, passEach)
	for i := range took {
		began := time.Now()
		classifiers.Classify(f.view, j.Classifiers)
		took[i] = inMillis(time.Since(began))
	}
	return took
}
