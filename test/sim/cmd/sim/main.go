// Command sim runs seeds of the simulation and prints what the oracle says of them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/salvor-io/salvor/test/sim"
)

// options are what the command is told.
type options struct {
	first, seeds uint64
	bug          sim.Bug
	trace        bool
	keep         string
}

func main() {
	var o options
	flag.Uint64Var(&o.first, "from", 1, "the first seed")
	flag.Uint64Var(&o.seeds, "seeds", 1000, "how many")
	flag.StringVar((*string)(&o.bug), "bug", "", "a bug to plant, by its name")
	flag.BoolVar(&o.trace, "trace", false, "print each event and record; for one seed")
	flag.StringVar(&o.keep, "keep", ".cache/sim", "the folder in which the first seed that goes wrong is kept as a recording")
	flag.Parse()
	if err := run(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	lab, err := sim.NewLab(ctx)
	if err != nil {
		return err
	}
	if o.trace {
		lab.Trace = func(line string) { fmt.Println(line) }
	}
	began := time.Now()
	total, err := lab.Many(ctx, o.first, o.seeds, runtime.GOMAXPROCS(0), o.bug, func(r sim.Result) {
		for _, what := range r.Complaints() {
			fmt.Printf("seed %d: %s\n", r.Seed, what)
		}
	})
	if err != nil {
		return err
	}
	fmt.Printf("\n%s\n%s in %s\n", total.Seen, total, time.Since(began).Round(time.Second))
	if total.Bad == 0 {
		return nil
	}
	lab.Trace = nil
	path, err := keep(ctx, lab, o, total.FirstBad)
	if err != nil {
		return errors.Join(fmt.Errorf("%d of %d seeds went wrong, the first is %d", total.Bad, o.seeds, total.FirstBad), err)
	}
	return fmt.Errorf("%d of %d seeds went wrong; the first is kept: bin/salvor replay %s", total.Bad, o.seeds, path)
}

// keep writes the recording of a seed into a file.
func keep(ctx context.Context, lab *sim.Lab, o options, seed uint64) (path string, err error) {
	if err := os.MkdirAll(o.keep, 0o755); err != nil {
		return "", fmt.Errorf("keep seed %d: %w", seed, err)
	}
	path = filepath.Join(o.keep, fmt.Sprintf("seed-%d.txtar", seed))
	file, err := os.Create(path)
	if err != nil {
		return "", fmt.Errorf("keep seed %d: %w", seed, err)
	}
	defer func() {
		if closed := file.Close(); err == nil {
			err = closed
		}
	}()
	if err := lab.Keep(ctx, seed, o.bug, file); err != nil {
		return "", fmt.Errorf("keep seed %d: %w", seed, err)
	}
	return path, nil
}
