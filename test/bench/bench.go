package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/salvor-io/salvor/test/rig"
	"github.com/salvor-io/salvor/test/stack"
)

// zones is in how many zones the stack's nodes are: one lost node in each keeps stock Kubernetes from slowing its evictions.
const zones = 5

// bench is what the benchmarks share: a scratch folder, and a real stack that is started by the first that wants it.
type bench struct {
	binary string
	dir    string
	seeds  uint64   // of the simulation
	rig    *rig.Rig // nil until wanted
}

func newBench(binary string, seeds uint64) (*bench, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return nil, fmt.Errorf("find salvor: %w", err)
	}
	if _, err := os.Stat(binary); err != nil {
		return nil, fmt.Errorf("find the salvor to measure: %w; run make build", err)
	}
	dir, err := os.MkdirTemp("", "salvor-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a scratch folder: %w", err)
	}
	return &bench{binary: binary, dir: dir, seeds: seeds}, nil
}

func (b *bench) close() error {
	var stopped error
	if b.rig != nil {
		stopped = b.rig.Stop()
	}
	return errors.Join(stopped, os.RemoveAll(b.dir))
}

// closing closes something whose errors count, at the end of a function.
func closing(err *error, close func() error) { *err = errors.Join(*err, close()) }

// say tells whoever waits how far it is.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "# "+format+"\n", args...) }

// scratch makes an empty folder.
func (b *bench) scratch() (string, error) {
	dir, err := os.MkdirTemp(b.dir, "")
	if err != nil {
		return "", fmt.Errorf("make a scratch folder: %w", err)
	}
	return dir, nil
}

// stack is a rig of 15 nodes in 5 zones. In each zone one node is there for stock Kubernetes to lose, one for Salvor, and
// one that stays, see nodeOf.
func (b *bench) stack(ctx context.Context) (*rig.Rig, error) {
	if b.rig != nil {
		return b.rig, nil
	}
	var nodes []stack.Node
	for zone := range zones {
		name := fmt.Sprintf("eu-west-1%c", 'a'+zone)
		nodes = append(nodes, stack.Node{Name: nodeOf("stock", zone), Zone: name}, stack.Node{Name: nodeOf("salvor", zone), Zone: name},
			stack.Node{Name: nodeOf("stays", zone), Zone: name, Domain: "stays"})
	}
	started, err := rig.Start(ctx, rig.Options{Salvor: b.binary, Log: os.Stderr, Stack: stack.Options{Nodes: nodes}})
	if err != nil {
		return nil, fmt.Errorf("start the stack: %w", err)
	}
	b.rig = started
	return started, nil
}

// nodeOf names the node of a zone that has a part to play: stock, salvor or stays.
func nodeOf(part string, zone int) string { return fmt.Sprintf("%s-%d", part, zone+1) }

// nodesOf are the nodes of all zones that have a part to play.
func nodesOf(part string) []string {
	var names []string
	for zone := range zones {
		names = append(names, nodeOf(part, zone))
	}
	return names
}
