package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// fsyncs is how often the disk is asked to tell how fast it is.
const fsyncs = 200

// machine says in one line what the figures were taken on: without it nobody can tell a slow disk from slow code.
func (b *bench) machine() (string, error) {
	dir, err := b.scratch()
	if err != nil {
		return "", err
	}
	took, err := fsync(dir)
	if err != nil {
		return "", err
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "", fmt.Errorf("read the load: %w", err)
	}
	lately, _, _ := strings.Cut(string(load), " ")
	return fmt.Sprintf("taken on %d CPUs at a load of %s; one fsync takes %.0f us (p50)", runtime.NumCPU(), lately, median(took)), nil
}

// fsync measures in microseconds how long it takes to append a kilobyte to a file and fsync it.
func fsync(dir string) (took []float64, err error) {
	file, err := os.CreateTemp(dir, "")
	if err != nil {
		return nil, fmt.Errorf("measure the disk: %w", err)
	}
	defer closing(&err, file.Close)
	for range fsyncs {
		began := time.Now()
		if _, err := file.Write(make([]byte, 1<<10)); err != nil {
			return nil, fmt.Errorf("measure the disk: %w", err)
		}
		if err := file.Sync(); err != nil {
			return nil, fmt.Errorf("measure the disk: %w", err)
		}
		took = append(took, float64(time.Since(began).Microseconds()))
	}
	return took, nil
}
