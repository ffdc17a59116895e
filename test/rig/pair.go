package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/salvor-io/salvor/test/stack"
)

// Standby is the name Salvor knows the second cluster of a pair by.
const Standby = "standby"

// pair starts an object store and two clusters, which keep their backups in it and have the same storage: what one of them took, the other
// can reach. The second is in another region.
func (r *Rig) pair(ctx context.Context, options stack.Options) (err error) {
	if r.Store, err = stack.StartStore(ctx, stack.StoreOptions{Log: r.log}); err != nil {
		return err
	}
	disks := filepath.Join(r.Dir, "disks")
	if err := os.Mkdir(disks, 0o755); err != nil {
		return fmt.Errorf("make a folder for volumes: %w", err)
	}
	options.Volumes = stack.Volumes{Dir: disks}
	options.Backups = stack.Backups{Store: r.Store, VeleroFlags: []string{"--item-operation-sync-frequency=1s"}}
	standby := options
	standby.Log, standby.Alertmanagers = io.Discard, stack.Alertmanagers{}
	standby.Region, standby.Nodes = "eu-central-1", stack.Nodes(2, "eu-central-1a", "eu-central-1b")
	var both errgroup.Group
	both.Go(func() (err error) { r.Stack, err = stack.Start(ctx, options); return err })
	both.Go(func() (err error) { r.Standby, err = stack.Start(ctx, standby); return err })
	return both.Wait()
}

// stopAll stops what runs, the object store last.
func (r *Rig) stopAll() error {
	var wrong []error
	for _, s := range r.clusters() {
		wrong = append(wrong, s.Stop())
	}
	if r.Store != nil {
		wrong = append(wrong, r.Store.Stop())
	}
	return errors.Join(wrong...)
}

// clusters are the stacks that there are, by the name Salvor knows each by.
func (r *Rig) clusters() map[string]*stack.Stack {
	all := map[string]*stack.Stack{}
	if r.Stack != nil {
		all[Cluster] = r.Stack
	}
	if r.Standby != nil {
		all[Standby] = r.Standby
	}
	return all
}

// access is how a server reaches a cluster.
type access struct{ Name, Observe, Act string }

// standby is how the second cluster is reached, nil where there is none.
func (r *Rig) standby() *access {
	if r.Standby == nil {
		return nil
	}
	return &access{Standby, r.Standby.Kubeconfig(stack.Observer), r.Standby.Kubeconfig(stack.Actor)}
}
