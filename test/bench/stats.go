package main

import (
	"math"
	"slices"
	"time"
)

// figure is what many measurements come to.
type figure struct {
	value    float64
	n        int // measurements
	min, max float64
}

// quantile is the smallest of the values that at least the share q of them do not exceed (nearest rank); NaN without values.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

func median(values []float64) float64 { return quantile(values, 0.5) }

// spread is a quantile of the values, with the least and the greatest of them.
func spread(values []float64, q float64) figure {
	return figure{quantile(values, q), len(values), quantile(values, 0), quantile(values, 1)}
}

// round is one turn of an interleaved run: what was measured of us and of the peer, in the same unit.
type round struct{ ours, peer []float64 }

// ratio is the median of all of ours by the median of all of the peer's. The least and the greatest are those of single
// rounds, so that they show how far the machine can be believed.
func ratio(rounds []round) figure {
	var all round
	var each []float64
	for _, r := range rounds {
		all.ours, all.peer = append(all.ours, r.ours...), append(all.peer, r.peer...)
		each = append(each, median(r.ours)/median(r.peer))
	}
	return figure{median(all.ours) / median(all.peer), len(all.ours), quantile(each, 0), quantile(each, 1)}
}

// pooled are all measurements of one side.
func pooled(rounds []round, side func(round) []float64) []float64 {
	var all []float64
	for _, r := range rounds {
		all = append(all, side(r)...)
	}
	return all
}

// pick takes one value of each.
func pick[T any](list []T, value func(T) float64) []float64 {
	var all []float64
	for _, one := range list {
		all = append(all, value(one))
	}
	return all
}

func ours(r round) []float64 { return r.ours }
func peer(r round) []float64 { return r.peer }

func inMillis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func inMicros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
