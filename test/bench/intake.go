package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	intakeRounds = 10
	intakeEach   = 100 // posts of a round, and publishes
	intakeWarm   = 50  // before that, of each, not counted
)

// calm is how long measurements of the one are set apart from those of the other: what one leaves to be done, such as the
// folding of an alert, is not to be paid by the other.
const calm = 2 * time.Millisecond

// measureIntake posts alerts, each when the one before was answered, and then publishes the same bytes in the same way, in turn.
func measureIntake(ctx context.Context, b *bench) (rows []row, err error) {
	p, f, err := b.intake(ctx, 1)
	if err != nil {
		return nil, err
	}
	defer closing(&err, f.close)
	defer closing(&err, p.close)
	if _, err := intakeRound(ctx, p, f, intakeWarm); err != nil {
		return nil, err
	}
	var rounds []round
	for range intakeRounds {
		r, err := intakeRound(ctx, p, f, intakeEach)
		if err != nil {
			return nil, err
		}
		rounds = append(rounds, r)
	}
	lost, err := p.lost(ctx)
	if err != nil {
		return nil, err
	}
	compared := fmt.Sprintf("p50 of POST to 200, alert durable (%.0f us), by p50 of one raw durable publish of the same %d bytes (%.0f us), "+
		"both fsynced; lost: %d of %d, counted in the reopened store",
		median(pooled(rounds, ours)), len(fmt.Sprintf(webhook, 0)), median(pooled(rounds, peer)), lost, intakeWarm+intakeRounds*intakeEach)
	return []row{newRow("intake_ratio", "ratio", atMost(1.5), ratio(rounds), compared).butLost(lost)}, nil
}

// intake opens Salvor and the floor on the same disk.
func (b *bench) intake(ctx context.Context, posters int) (*poster, *floor, error) {
	ours, err := b.scratch()
	if err != nil {
		return nil, nil, err
	}
	theirs, err := b.scratch()
	if err != nil {
		return nil, nil, err
	}
	f, err := openFloor(ctx, theirs)
	if err != nil {
		return nil, nil, err
	}
	p, err := openPoster(ctx, ours, posters)
	if err != nil {
		return nil, nil, errors.Join(err, f.close())
	}
	return p, f, nil
}

// intakeRound measures in microseconds.
func intakeRound(ctx context.Context, p *poster, f *floor, n int) (round, error) {
	var r round
	bodies, subjects := p.bodies(n), f.subjects(n)
	time.Sleep(calm)
	for _, body := range bodies {
		began := time.Now()
		if err := p.post(ctx, body); err != nil {
			return r, err
		}
		r.ours = append(r.ours, float64(time.Since(began).Microseconds()))
	}
	time.Sleep(calm)
	for i, body := range bodies {
		began := time.Now()
		if err := f.publish(ctx, subjects[i], body); err != nil {
			return r, err
		}
		r.peer = append(r.peer, float64(time.Since(began).Microseconds()))
	}
	return r, nil
}
