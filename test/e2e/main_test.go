// Package e2e proves Salvor's promises on the real parts: a real control plane, real Alertmanagers, real salvor processes that
// are killed and frozen, a real NATS server. The judge of what was done to the cluster is the API server's audit log.
package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/salvor-io/salvor/test/rig"
	"github.com/salvor-io/salvor/test/stack"
)

// The workloads that all scenes share.
const (
	webs = 12
	dbs  = 3
)

// external has all scenes keep their records in a NATS server process; of those that say nothing of it, two do anyway.
var external = flag.Bool("external", false, "keep records in a NATS server process instead of the embedded one")

// shots is where pictures of what people see are kept.
var shots = flag.String("shots", "", "keep pictures of cards and pages in this folder")

// house is a rig that scenes share, one at a time, built by the first that needs it.
type house struct {
	rig *rig.Rig
	err error
}

// houses are those that nobody is in. A scene waits most of the time, so that two may be played side by side.
var houses = make(chan *house, 2)

func TestMain(m *testing.M) {
	flag.Parse()
	for range cap(houses) {
		houses <- &house{}
	}
	code := m.Run()
	for range cap(houses) {
		if h := <-houses; h.rig != nil {
			if err := h.rig.Stop(); err != nil {
				fmt.Fprintln(os.Stderr, "stop the stack:", err)
				code = max(code, 1)
			}
		}
	}
	os.Exit(code)
}

// shared is a rig of six nodes in three zones, two Alertmanagers that do not know of each other, and the workloads. Its
// controller manager sees a silent node after 20 s instead of 50 s; everything else is stock. Nobody else has it until the test ends, which runs
// beside others.
func shared(t *testing.T) *rig.Rig {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the real stack")
	}
	t.Parallel()
	h := <-houses
	t.Cleanup(func() { houses <- h })
	if h.rig == nil && h.err == nil {
		h.rig, h.err = start(rig.Options{Log: os.Stderr, Stack: stack.Options{
			Alertmanagers:          stack.Alertmanagers{Replicas: 2},
			ControllerManagerFlags: []string{"--node-monitor-grace-period=20s"},
		}})
	}
	if h.err != nil {
		t.Fatal(h.err)
	}
	return h.rig
}

func start(opt rig.Options) (*rig.Rig, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	r, err := rig.Start(ctx, opt)
	if err != nil {
		return nil, err
	}
	if err := r.Deploy(ctx, webs, dbs); err != nil {
		_ = r.Stop()
		return nil, err
	}
	return r, nil
}
