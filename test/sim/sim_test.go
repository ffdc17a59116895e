package sim

import (
	"flag"
	"fmt"
	"runtime"
	"slices"
	"testing"
)

var (
	seeds = flag.Uint64("seeds", 1200, "how many seeds are run")
	from  = flag.Uint64("from", 1, "the first of them")
)

// few is how many seeds a short test runs.
const few = 40

// TestSeeds runs seeds, and wants that nothing went wrong that must not, and that everything was found.
func TestSeeds(t *testing.T) {
	lab, err := NewLab(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := *seeds
	if testing.Short() {
		n = min(n, few)
	}
	total, err := lab.Many(t.Context(), *from, n, runtime.GOMAXPROCS(0), NoBug, func(r Result) {
		for _, what := range r.Complaints() {
			t.Errorf("seed %d: %s", r.Seed, what)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s\n%s", total.Seen, total)
	if total.Bad > 0 {
		t.Logf("keep one of them as a recording: make sim SEEDS=1 FROM=%d", total.FirstBad)
	}
}

// TestASeedIsOneRun: the same seed gives the same run, to the last line.
func TestASeedIsOneRun(t *testing.T) {
	run := func() []string {
		lab, err := NewLab(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		lab.Trace = func(line string) { lines = append(lines, line) }
		if _, err := lab.Run(t.Context(), 7, NoBug); err != nil {
			t.Fatal(err)
		}
		return lines
	}
	first, second := run(), run()
	for i := range first {
		if i >= len(second) || first[i] != second[i] {
			t.Fatalf("line %d of one run is %s, and of the other %s", i, first[i], fmt.Sprint(second[i:min(i+1, len(second))]))
		}
	}
}

// TestPlantedBugsAreFound plants each bug, and wants the oracle to find it within some seeds.
func TestPlantedBugsAreFound(t *testing.T) {
	if testing.Short() {
		t.Skip("runs many seeds")
	}
	lab, err := NewLab(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, bug := range Bugs() {
		t.Run(string(bug), func(t *testing.T) {
			t.Parallel()
			const most = 400
			for seed := range uint64(most) {
				r, err := lab.Run(t.Context(), seed+1, bug)
				if err != nil {
					t.Fatal(err)
				}
				if r.bad() {
					t.Logf("seed %d: %s", seed+1, slices.Concat(r.Wrong, r.Missed)[0])
					return
				}
			}
			t.Errorf("the oracle did not find it in %d seeds", most)
		})
	}
}
