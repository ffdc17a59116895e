package chronicle

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/salvor-io/salvor/internal/clock"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/policies"
)

const lookEvery = 30 * time.Second

// Run compares the trail with the pauses in force until ctx ends, and records what has been in one of them alone for two looks: who set
// or ended it could not record that.
func (p *Pauses) Run(ctx context.Context) error {
	for clock.Sleep(ctx, lookEvery) {
		if err := p.look(ctx); err != nil && ctx.Err() == nil {
			p.log.Debug("pauses are not compared with what is recorded of them", "error", err)
		}
	}
	return nil
}

func (p *Pauses) look(ctx context.Context) error {
	now, err := p.Pauses(ctx)
	if err != nil {
		return err
	}
	entries, err := p.trails.Trail(ctx, PausesTrail)
	if err != nil {
		return err
	}
	unsaid, gone := apartOf(now, ledger.InForce(held(entries), time.Now()))
	before := p.odd
	p.odd = slices.Concat(unsaid, gone)
	again := func(pause policies.Pause) bool {
		return slices.ContainsFunc(before, func(k policies.Pause) bool { return same(k, pause) })
	}
	for _, pause := range unsaid {
		if again(pause) {
			err = errors.Join(err, p.append(ctx, pause, p.set(pause)))
		}
	}
	for _, pause := range gone {
		if again(pause) {
			err = errors.Join(err, p.append(ctx, pause, p.ended(pause)))
		}
	}
	return err
}

// apartOf are the pauses in force that the trail does not know, and those that it takes to be in force and that are not.
func apartOf(now, known []policies.Pause) (unsaid, gone []policies.Pause) {
	for _, pause := range now {
		if !slices.ContainsFunc(known, func(k policies.Pause) bool { return same(k, pause) }) {
			unsaid = append(unsaid, pause)
		}
	}
	for _, pause := range known {
		if !slices.ContainsFunc(now, func(k policies.Pause) bool { return place(k) == place(pause) }) {
			gone = append(gone, pause)
		}
	}
	return unsaid, gone
}
