package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	groupPosters = 64
	groupRounds  = 8
	groupEach    = 20 // posts of each poster in a round
	groupPosts   = groupPosters * groupEach
)

// measureIntakeGroup lets many post at once, then as many publish at once, in turn.
func measureIntakeGroup(ctx context.Context, b *bench) (rows []row, err error) {
	p, f, err := b.intake(ctx, groupPosters)
	if err != nil {
		return nil, err
	}
	defer closing(&err, f.close)
	defer closing(&err, p.close)
	var rounds []round
	for i := range 1 + groupRounds {
		r, err := groupRound(ctx, p, f)
		if err != nil {
			return nil, err
		}
		if i > 0 { // the first warms up
			rounds = append(rounds, r)
		}
	}
	lost, err := p.lost(ctx)
	if err != nil {
		return nil, err
	}
	kept, err := f.stored(ctx)
	if err != nil {
		return nil, err
	}
	posts := (1 + groupRounds) * groupPosts
	figure := ratio(rounds)
	figure.n = groupRounds * groupPosts
	compared := fmt.Sprintf("%d concurrent posters (%.0f/s) by %d concurrent raw durable publishers (%.0f/s), same bytes, both fsynced; "+
		"lost: %d of %d posts, %d of %d publishes, counted in the stores", groupPosters, median(pooled(rounds, ours)),
		groupPosters, median(pooled(rounds, peer)), lost, posts, posts-kept, posts)
	return []row{newRow("intake_group_ratio", "ratio", atLeast(2.5), figure, compared).butLost(lost)}, nil
}

// groupRound measures in writes a second.
func groupRound(ctx context.Context, p *poster, f *floor) (round, error) {
	bodies, subjects := p.bodies(groupPosts), f.subjects(groupPosts)
	posted, err := together(func(i int) error { return p.post(ctx, bodies[i]) })
	if err != nil {
		return round{}, err
	}
	published, err := together(func(i int) error { return f.publish(ctx, subjects[i], bodies[i]) })
	if err != nil {
		return round{}, err
	}
	return round{ours: []float64{groupPosts / posted.Seconds()}, peer: []float64{groupPosts / published.Seconds()}}, nil
}

// together shares the writes of a round among as many goroutines as there are posters and says how long all took.
func together(write func(i int) error) (time.Duration, error) {
	began := time.Now()
	var group errgroup.Group
	for poster := range groupPosters {
		group.Go(func() error {
			for i := poster * groupEach; i < (poster+1)*groupEach; i++ {
				if err := write(i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := group.Wait()
	return time.Since(began), err
}
