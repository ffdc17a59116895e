// Command sim runs seeds of the simulation and prints what the oracle says of them.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/salvor-io/salvor/test/sim"
)

func main() {
	first := flag.Uint64("from", 1, "the first seed")
	seeds := flag.Uint64("seeds", 1000, "how many")
	bug := flag.String("bug", "", "a bug to plant, by its name")
	trace := flag.Bool("trace", false, "print each event and record; for one seed")
	flag.Parse()
	if err := run(context.Background(), *first, *seeds, sim.Bug(*bug), *trace); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, first, seeds uint64, bug sim.Bug, trace bool) error {
	lab, err := sim.NewLab(ctx)
	if err != nil {
		return err
	}
	if trace {
		lab.Trace = func(line string) { fmt.Println(line) }
	}
	began := time.Now()
	total, err := lab.Many(ctx, first, seeds, runtime.GOMAXPROCS(0), bug, func(r sim.Result) {
		for _, what := range append(r.Wrong, r.Missed...) {
			fmt.Printf("seed %d: %s\n", r.Seed, what)
		}
	})
	if err != nil {
		return err
	}
	fmt.Printf("\n%s\n%s in %s\n", total.Seen, total, time.Since(began).Round(time.Second))
	if total.Bad > 0 {
		return fmt.Errorf("%d of %d seeds went wrong; one of them alone: make sim SEEDS=1 FROM=%d", total.Bad, seeds, total.FirstBad)
	}
	return nil
}
