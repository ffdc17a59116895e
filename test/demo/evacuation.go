package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/test/rig"
	"github.com/salvor-io/salvor/test/slackd"
	"github.com/salvor-io/salvor/test/stack"
)

const (
	zoneWebs = 12
	zoneDBs  = 3
)

// evacuation is the loss of a zone about which a person is asked.
type evacuation struct {
	*demo
	*rig.Evacuation
	told int // records of the incident
}

// evacuate loses a zone of a real control plane, has a person asked about it in chat, and shows how it is left and given back.
func evacuate(ctx context.Context, binary string) (err error) {
	say("Starting a real control plane: etcd, kube-apiserver, controller-manager, scheduler, 6 nodes in 3 zones, Alertmanager.")
	r, err := rig.Start(ctx, rig.Options{Salvor: binary, Log: indent{os.Stdout}, Stack: stack.Options{Alertmanagers: stack.Alertmanagers{Replicas: 1},
		ControllerManagerFlags: []string{"--node-monitor-grace-period=20s"}}})
	if err != nil {
		return err
	}
	d := &evacuation{demo: &demo{rig: r}}
	defer func() { err = errors.Join(err, d.end()) }()
	for _, act := range []func(context.Context) error{d.prepare, d.strike, d.asked, d.approve, d.left, d.timeline, d.giveBack} {
		if err := act(ctx); err != nil {
			return errors.Join(err, d.lastWords())
		}
	}
	say("Done: a zone was lost, a person agreed, what can run elsewhere runs elsewhere and serves, %s was not promised, and the zone is back as it was.", rig.Bound)
	return nil
}

// prepare starts what the zone holds, and a Salvor that asks.
func (d *evacuation) prepare(ctx context.Context) (err error) {
	if err := d.rig.Deploy(ctx, zoneWebs, zoneDBs); err != nil {
		return err
	}
	if d.Evacuation, err = d.rig.Evacuation(ctx, zoneWebs-2); err != nil {
		return err
	}
	settings := rig.Settings{Stale: 14 * time.Second}
	d.Configure(&settings)
	if d.salvor, err = d.rig.Serve(settings); err != nil {
		return err
	}
	if err := d.rig.SeesAll(ctx, d.salvor); err != nil {
		return err
	}
	say("web (%d pods), orders-db (%d) and %s (1, on a disk of %s) run. The address of the shop answers 200.", zoneWebs, zoneDBs, rig.Bound, rig.DeadZone)
	say("Salvor is ready at http://%s. Of nodes and zones it asks a person first (mode ask), in a stand-in of Slack that speaks Slack's protocol: %s", d.salvor.Address, d.Slack.Page())
	return nil
}

func (d *evacuation) strike(ctx context.Context) error {
	d.began = time.Now()
	say("Killing both nodes of zone %s with kill -9. Alertmanager is told KubeletDown of both, as Prometheus would.", rig.DeadZone)
	return d.Strike(ctx)
}

// asked shows the card as it is in the channel.
func (d *evacuation) asked(ctx context.Context) error {
	m, err := d.Slack.Await(ctx, 2*time.Minute, "APPROVE?", "Approve")
	if err != nil {
		return err
	}
	say("+%.0fs: the channel shows this:", time.Since(d.began).Seconds())
	fmt.Println()
	_, err = indent{os.Stdout}.Write([]byte(rig.Text(m)))
	return err
}

// approve has alice press the button.
func (d *evacuation) approve(ctx context.Context) error {
	m, _ := d.Slack.Card("APPROVE?")
	say("alice presses Approve.")
	fmt.Println()
	return d.Slack.Press(ctx, slackd.Somebody{User: rig.Alice}, m, "Approve")
}

// left follows the plan to its end, and sees that the API server and the channel agree.
func (d *evacuation) left(ctx context.Context) error {
	inc, err := d.follow(ctx, &d.told, 5*time.Minute, incident.Recovered)
	if err != nil {
		return err
	}
	if inc.Outcome != responders.OutcomeVerified {
		return fmt.Errorf("the outcome of %s is %s, not verified", inc.Name, inc.Outcome)
	}
	ok, err := d.rig.Available(ctx, zoneWebs, zoneDBs)
	if err != nil || !ok {
		return fmt.Errorf("salvor says verified, the API server does not: %w", err)
	}
	m, err := d.Slack.Await(ctx, 30*time.Second, "; stays down: 1")
	if err != nil {
		return err
	}
	say("Verified after %s: web and orders-db are available outside %s, and the shop answers. The channel says: %s", time.Since(d.began).Round(time.Second), rig.DeadZone, m.Text)
	return d.delay(inc)
}

// delay tells how long it took from the vote to the first write to the cluster, by the record and by the API server's audit log.
func (d *evacuation) delay(inc api.Incident) error {
	voted := inc.History[slices.IndexFunc(inc.History, func(rec api.Record) bool { return rec.Kind == incident.Voted })].StoredAt
	log, err := d.rig.Stack.AuditLog()
	if err != nil {
		return err
	}
	for _, ev := range log {
		if ev.User == stack.Actor && ev.Verb == "patch" && ev.Time.After(voted) {
			say("From the vote to the first write to the cluster: %s.", ev.Time.Sub(voted).Round(time.Millisecond))
			return nil
		}
	}
	return errors.New("the audit log knows of no write after the vote")
}

func (d *evacuation) giveBack(ctx context.Context) error {
	say("Switching the zone on again.")
	fmt.Println()
	if err := d.Heal(ctx); err != nil {
		return err
	}
	if _, err := d.follow(ctx, &d.told, 3*time.Minute, incident.Ended); err != nil {
		return err
	}
	return d.Untouched(ctx)
}

func (d *evacuation) end() error {
	var ended error
	if d.Evacuation != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		ended = d.End(ctx)
	}
	return errors.Join(d.demo.end(), ended)
}
