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

// measureIntake posts alerts, each when the one before was answered, publishes the same bytes in the same way, and posts them to a
// bare server, in turn.
func measureIntake(ctx context.Context, b *bench) (rows []row, err error) {
	p, f, err := b.intake(ctx, 1)
	if err != nil {
		return nil, err
	}
	defer closing(&err, f.close)
	defer closing(&err, p.close)
	least, err := openBare(f)
	if err != nil {
		return nil, err
	}
	defer closing(&err, least.close)
	if _, _, err := intakeRound(ctx, p, f, least, intakeWarm); err != nil {
		return nil, err
	}
	var rounds, bareRounds []round
	for range intakeRounds {
		r, bare, err := intakeRound(ctx, p, f, least, intakeEach)
		if err != nil {
			return nil, err
		}
		rounds, bareRounds = append(rounds, r), append(bareRounds, bare)
	}
	lost, err := p.lost(ctx)
	if err != nil {
		return nil, err
	}
	compared := fmt.Sprintf("p50 of POST to 200, alert durable (%.0f us), by p50 of one raw durable publish of the same %d bytes (%.0f us), "+
		"both fsynced; lost: %d of %d, counted in the reopened store",
		median(pooled(rounds, ours)), len(fmt.Sprintf(webhook, 0)), median(pooled(rounds, peer)), lost, intakeWarm+intakeRounds*intakeEach)
	floor := fmt.Sprintf("the same for a bare HTTP server that publishes what is posted and does nothing else (p50 %.0f us): what intake_ratio "+
		"cannot go below here", median(pooled(bareRounds, ours)))
	return []row{newRow("intake_ratio", "ratio", atMost(1.5), ratio(rounds), compared).butLost(lost),
		newRow("intake_floor_ratio", "ratio", lower(), ratio(bareRounds), floor)}, nil
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

// intakeRound measures in microseconds: Salvor and the bare server, each with the same raw publishes beside it.
func intakeRound(ctx context.Context, p *poster, f *floor, least *bare, n int) (salvor, bare round, err error) {
	bodies, subjects := p.bodies(n), f.subjects(n)
	if salvor.ours, err = each(n, func(i int) error { return p.post(ctx, bodies[i]) }); err != nil {
		return salvor, bare, err
	}
	if salvor.peer, err = each(n, func(i int) error { return f.publish(ctx, subjects[i], bodies[i]) }); err != nil {
		return salvor, bare, err
	}
	bare.peer = salvor.peer
	bare.ours, err = each(n, func(i int) error { return least.post(ctx, bodies[i]) })
	return salvor, bare, err
}

// each does something n times in a row, apart from what went before, and says how long each took.
func each(n int, do func(i int) error) ([]float64, error) {
	time.Sleep(calm)
	took := make([]float64, n)
	for i := range took {
		began := time.Now()
		if err := do(i); err != nil {
			return nil, err
		}
		took[i] = float64(time.Since(began).Microseconds())
	}
	return took, nil
}
