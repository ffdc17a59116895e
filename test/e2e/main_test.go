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

// house is the rig that scenes share, built by the first that needs it.
var house struct {
	rig *rig.Rig
	err error
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if house.rig != nil {
		if err := house.rig.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stop the stack:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// shared is a rig of six nodes in three zones, two Alertmanagers that do not know of each other, and the workloads. Its
// controller manager sees a silent node after 20 s instead of 50 s; everything else is stock.
func shared(t *testing.T) *rig.Rig {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the real stack")
	}
	if house.rig == nil && house.err == nil {
		house.rig, house.err = start(rig.Options{Log: os.Stderr, Stack: stack.Options{
			Alertmanagers:          stack.Alertmanagers{Replicas: 2},
			ControllerManagerFlags: []string{"--node-monitor-grace-period=20s"},
		}})
	}
	if house.err != nil {
		t.Fatal(house.err)
	}
	return house.rig
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
