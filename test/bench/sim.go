package main

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"github.com/salvor-io/salvor/test/sim"
)

// measureSim runs seeds of the simulation, as many at a time as there are processors, and counts what was found of what had to be.
func measureSim(ctx context.Context, b *bench) ([]row, error) {
	lab, err := sim.NewLab(ctx)
	if err != nil {
		return nil, err
	}
	total, err := lab.Many(ctx, 1, b.seeds, runtime.NumCPU(), sim.NoBug, func(r sim.Result) {
		for _, what := range append(r.Wrong, r.Missed...) {
			say("seed %d: %s", r.Seed, what)
		}
	})
	if err != nil {
		return nil, err
	}
	say("what each disaster was taken for; not all could be seen for long enough:\n%s\n%s", total.Seen, total)
	found, about := recallOf(total.Duties)
	if found.n == 0 {
		return nil, fmt.Errorf("nothing had to be found in %d seeds: run more", b.seeds)
	}
	wide := float64(total.FalseWide)
	return []row{
		newRow("sim_recall", "share", atLeast(1), found, fmt.Sprintf("disasters that were found of those that had to be, since they could be seen for long enough: %s; "+
			"min and max are of one sort; %d seeds, %d of which went wrong; no peer", about, total.Seeds, total.Bad)),
		newRow("sim_false_wide", "faults", atMost(0), figure{wide, total.Incidents, wide, wide}, fmt.Sprintf("zones and regions that were said to be lost and were not, "+
			"of %d incidents about %d disasters in %d seeds; no peer", total.Incidents, total.Disasters, total.Seeds)),
	}, nil
}

// recallOf is the share of the disasters that were found. Those of a node are all that are about nodes one by one: one that a person works
// on, one that is replaced, neighbours that fail one after the other.
func recallOf(duties sim.Duties) (figure, string) {
	all, least, greatest, about := sim.Duty{}, 1.0, 0.0, ""
	for _, was := range []string{"node", "person", "replaced", "neighbours", "zone", "region"} {
		d := duties[was]
		if d.Had == 0 {
			continue
		}
		all.Had, all.Missed = all.Had+d.Had, all.Missed+d.Missed
		share := foundOf(d)
		least, greatest = min(least, share), max(greatest, share)
		if about != "" {
			about += ", "
		}
		about += fmt.Sprintf("%s %d of %d", was, d.Had-d.Missed, d.Had)
	}
	return figure{foundOf(all), all.Had, least, greatest}, about
}

// foundOf is NaN when nothing had to be found.
func foundOf(d sim.Duty) float64 {
	if d.Had == 0 {
		return math.NaN()
	}
	return float64(d.Had-d.Missed) / float64(d.Had)
}
