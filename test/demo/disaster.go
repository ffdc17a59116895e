package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/test/rig"
	"github.com/salvor-io/salvor/test/stack"
)

// tellApart makes a disaster real on the stack and shows that Salvor says what it is: one incident of the right kind, with its
// evidence.
func tellApart(ctx context.Context, binary string, what rig.Disaster) (err error) {
	say("Starting a real control plane: etcd, kube-apiserver, controller-manager, scheduler, nodes in 3 zones, Alertmanager.")
	r, err := rig.Start(ctx, rig.Options{Salvor: binary, Log: indent{os.Stdout}, Stack: stack.Options{Nodes: what.Nodes, Alertmanagers: stack.Alertmanagers{Replicas: 1}}})
	if err != nil {
		return err
	}
	d := &demo{rig: r}
	defer func() { err = errors.Join(err, d.end()) }()
	if err := d.strike(ctx, what); err != nil {
		return errors.Join(err, d.lastWords())
	}
	say("Done: one incident, of kind %s, about %s, with its evidence. Nothing was done: no runbook speaks of it yet.", what.Kind, what.Anchor)
	return nil
}

func (d *demo) strike(ctx context.Context, what rig.Disaster) (err error) {
	if d.salvor, err = d.rig.Serve(what.Serve); err != nil {
		return err
	}
	if err := d.rig.Deploy(ctx, 6, 1); err != nil {
		return err
	}
	if err := d.rig.SeesAll(ctx, d.salvor); err != nil {
		return err
	}
	if what.Before != nil {
		if err := what.Before(ctx, d.rig, d.salvor); err != nil {
			return err
		}
	}
	say("Salvor sees the cluster well. %s", what.Says)
	d.began = time.Now()
	if err := what.Strike(ctx, d.rig, d.salvor); err != nil {
		return err
	}
	if err = d.named(ctx, what); err == nil {
		err = d.timeline(ctx)
	}
	if what.After != nil {
		err = errors.Join(err, what.After(ctx, d.rig))
	}
	return err
}

// named waits for the incident and sees that it is the right one, and the only one.
func (d *demo) named(ctx context.Context, what rig.Disaster) error {
	told := 0
	inc, err := d.follow(ctx, &told, 3*time.Minute, incident.Held)
	if err != nil {
		return err
	}
	list, err := d.salvor.Incidents(ctx)
	switch {
	case err != nil:
		return err
	case len(list) != 1:
		return fmt.Errorf("there are %d incidents, want one", len(list))
	case inc.Kind != "" && string(inc.Kind) != what.Kind || inc.Anchor != what.Anchor || !strings.Contains(inc.Fault.Sentence, what.Finds):
		return fmt.Errorf("the incident is %s %s: %q, want %s %s: %q", inc.Kind, inc.Anchor, inc.Fault.Sentence, what.Kind, what.Anchor, what.Finds)
	case len(inc.Fault.Evidence) == 0:
		return errors.New("the incident names no evidence")
	}
	return nil
}
