package main

import (
	"math"
	"slices"
	"testing"
)

func TestQuantileIsTheNearestRank(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i) // 100 to 1: the order must not matter
	}
	for _, c := range []struct {
		name   string
		values []float64
		q      float64
		want   float64
	}{
		{"one value is every quantile", []float64{7}, 0.99, 7},
		{"least", []float64{3, 1, 2}, 0, 1},
		{"greatest", []float64{3, 1, 2}, 1, 3},
		{"middle of three", []float64{3, 1, 2}, 0.5, 2},
		{"of four the second, not a value between", []float64{4, 1, 3, 2}, 0.5, 2},
		{"99 % of a hundred", hundred, 0.99, 99},
		{"99 % of twenty is the worst", hundred[:20], 0.99, 100},
		{"half of a hundred", hundred, 0.5, 50},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := quantile(c.values, c.q); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestQuantileLeavesItsValuesAlone(t *testing.T) {
	values := []float64{3, 1, 2}
	quantile(values, 0.5)
	if !slices.Equal(values, []float64{3, 1, 2}) {
		t.Errorf("the values are %v now", values)
	}
}

func TestQuantileOfNothingIsNotANumber(t *testing.T) {
	if got := quantile(nil, 0.5); !math.IsNaN(got) {
		t.Errorf("got %v", got)
	}
}

func TestRatioIsOfMediansAndRoundsShowTheSpread(t *testing.T) {
	got := ratio([]round{
		{ours: []float64{2, 3, 100}, peer: []float64{1, 1, 1}}, // 3 by 1; the outlier moves nothing
		{ours: []float64{4, 4, 4}, peer: []float64{8, 2, 2}},   // 4 by 2
	})
	want := figure{value: 4, n: 6, min: 2, max: 3} // 4 by 1: over all, the medians are 4 and 1
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestSpread(t *testing.T) {
	if got, want := spread([]float64{5, 1, 9}, 0.5), (figure{5, 3, 1, 9}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestPooledTakesOneSideOfAllRounds(t *testing.T) {
	rounds := []round{{ours: []float64{1}, peer: []float64{2}}, {ours: []float64{3}, peer: []float64{4}}}
	if got := pooled(rounds, peer); !slices.Equal(got, []float64{2, 4}) {
		t.Errorf("got %v", got)
	}
}
