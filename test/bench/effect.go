package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	effectRounds = 8
	effectEach   = 25 // faults of a round, and round trips
	effectWarm   = 10
)

// measureEffect lets a node go silent again and again, and measures from the event until the first effect on the world,
// which does nothing. In turn with it a message goes through NATS alone.
func measureEffect(ctx context.Context, b *bench) (rows []row, err error) {
	w, f, err := b.effect(ctx)
	if err != nil {
		return nil, err
	}
	defer closing(&err, f.close)
	defer closing(&err, w.close)
	if _, err := effectRound(ctx, w, f, effectWarm); err != nil {
		return nil, err
	}
	var rounds []round
	for range effectRounds {
		r, err := effectRound(ctx, w, f, effectEach)
		if err != nil {
			return nil, err
		}
		rounds = append(rounds, r)
	}
	compared := fmt.Sprintf("p50 from an event to its first effect, a no-op, no confirmation window, shipped policy (%.0f us), by p50 of one raw "+
		"publish, consume, acknowledged round trip of the event's bytes (%.0f us), both fsynced; faults without an effect: 0 of %d",
		median(pooled(rounds, ours)), median(pooled(rounds, peer)), effectRounds*effectEach)
	return []row{newRow("event_to_effect_ratio", "ratio", atMost(7), ratio(rounds), compared)}, nil
}

// effect opens the workshop and the floor on the same disk.
func (b *bench) effect(ctx context.Context) (*workshop, *floor, error) {
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
	if err := f.consume(ctx); err != nil {
		return nil, nil, errors.Join(err, f.close())
	}
	w, err := openWorkshop(ctx, ours)
	if err != nil {
		return nil, nil, errors.Join(err, f.close())
	}
	return w, f, nil
}

// effectRound measures in microseconds. A fault that has no effect is an error: none is left out.
func effectRound(ctx context.Context, w *workshop, f *floor, n int) (round, error) {
	var r round
	for range n {
		ev, err := w.silence()
		if err != nil {
			return r, err
		}
		time.Sleep(calm)
		took, err := w.toEffect(ctx, ev)
		if err != nil {
			return r, err
		}
		r.ours = append(r.ours, float64(took.Microseconds()))
		if err := w.mend(ctx); err != nil {
			return r, err
		}
		time.Sleep(calm)
		if took, err = f.roundTrip(ctx, ev.Data); err != nil {
			return r, fmt.Errorf("send a message through the floor: %w", err)
		}
		r.peer = append(r.peer, float64(took.Microseconds()))
	}
	return r, nil
}
