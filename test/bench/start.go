package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/salvor-io/salvor/test/rig"
	"github.com/salvor-io/salvor/test/stack"
)

const (
	starts = 10
	idlers = 5 // of those, how many are left idle
	idle   = 20 * time.Second
)

// measureStart starts salvor processes one after the other, each with an empty store, and leaves half of them idle. They
// watch the stack when an earlier benchmark has started one, and no cluster otherwise.
func measureStart(ctx context.Context, b *bench) ([]row, error) {
	clusters, watching := "", "no cluster"
	if b.rig != nil {
		clusters = fmt.Sprintf("clusters:\n  - {name: %s, observe: {kubeconfig: %s}}\n", rig.Cluster, b.rig.Stack.Kubeconfig(stack.Observer))
		watching = fmt.Sprintf("a cluster of %d nodes", 3*zones)
	}
	var cold, memory []float64
	for i := range starts {
		time.Sleep(rand.N(time.Second)) // Salvor's clock ticks at whole seconds: begin at any time between two
		s, took, err := b.launch(ctx, clusters)
		if err != nil {
			return nil, err
		}
		cold = append(cold, inMillis(took))
		if i < idlers {
			time.Sleep(idle)
			mib, err := s.memory("VmRSS")
			if err != nil {
				return nil, err
			}
			memory = append(memory, mib)
		}
		if err := s.end(); err != nil {
			return nil, fmt.Errorf("end salvor: %w", err)
		}
	}
	return []row{
		newRow("cold_start_ms", "ms", atMost(500), spread(cold, 0.5), "p50 from the start of the process salvor serve, with an empty store and watching "+watching+", until /readyz answers 200; no peer"),
		newRow("idle_rss_mib", "MiB", atMost(80), spread(memory, 0.5), fmt.Sprintf("p50 of the resident memory of salvor serve with embedded NATS, %s after it was ready, watching %s; no peer", idle, watching)),
	}, nil
}
