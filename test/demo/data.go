package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/test/rig"
	"github.com/salvor-io/salvor/test/stack"
)

// loss is the loss of a namespace with its data, and what people do with a backup beside that.
type loss struct {
	*demo
	*rig.Loss
	told int // records of the incident that it is about
}

// restoreData deletes a namespace with data, has a person asked about the newest backup, and shows that it comes back as the backup has it. Then
// it makes a copy of it beside, and brings its volume to another cluster.
func restoreData(ctx context.Context, binary string) (err error) {
	say("Starting two real control planes with volumes, snapshots and Velero, and the object store that both keep their backups in.")
	r, err := rig.Start(ctx, rig.Options{Salvor: binary, Log: indent{os.Stdout}, Pair: true, Stack: stack.Options{Nodes: stack.Nodes(3)}})
	if err != nil {
		return err
	}
	d := &loss{demo: &demo{rig: r}}
	defer func() { err = errors.Join(err, d.end()) }()
	for _, act := range []func(context.Context) error{d.prepare, d.strike, d.asked, d.restored, d.copied, d.moved} {
		if err := act(ctx); err != nil {
			return errors.Join(err, d.lastWords())
		}
	}
	say("Done: a deleted namespace is back from its backup, a copy of it stands beside, and its volume is in another cluster, each with the content it had.")
	return nil
}

// prepare starts a shop with data, has it backed up, and starts a Salvor that asks.
func (d *loss) prepare(ctx context.Context) (err error) {
	if d.Loss, err = d.rig.Loss(ctx); err != nil {
		return err
	}
	if err := d.Backup(ctx, "nightly-1"); err != nil {
		return err
	}
	say("Namespace shop runs: Deployments, Services, a ConfigMap, a Secret, a CronJob and two volumes. It was promised to come back within 15 min, with no more than 1 h lost.")
	say("Velero made backup nightly-1. After it one more order was written to the volume: %q.", strings.TrimPrefix(rig.OrdersLost, rig.OrdersKept))
	var settings rig.Settings
	if err := d.Configure(&settings); err != nil {
		return err
	}
	if d.salvor, err = d.rig.Serve(settings); err != nil {
		return err
	}
	if err := d.rig.SeesAll(ctx, d.salvor); err != nil {
		return err
	}
	say("Salvor is ready at http://%s. It asks a person before anything is done about data (mode ask).", d.salvor.Address)
	args := []string{"protection", "-f", d.salvor.Config, "--cluster", rig.Cluster}
	said, err := d.rig.Alone(ctx, args...)
	showing("anybody", args, said)
	return err
}

func (d *loss) strike(ctx context.Context) error {
	d.began = time.Now()
	say("alice deletes namespace shop, with its volumes.")
	fmt.Println()
	return d.Strike(ctx)
}

// asked shows what a person is asked about, and approves of it.
func (d *loss) asked(ctx context.Context) error {
	inc, err := d.follow(ctx, &d.told, 2*time.Minute, incident.Awaiting)
	if err != nil {
		return err
	}
	if err := d.run(ctx, "approvals"); err != nil {
		return err
	}
	if err := d.run(ctx, "plan", inc.Name); err != nil {
		return err
	}
	return d.approve(ctx, inc)
}

// approve has alice approve of what is asked.
func (d *loss) approve(ctx context.Context, inc api.Incident) error {
	for _, rec := range slices.Backward(inc.History) {
		if rec.Decided != nil && rec.Decided.Plan != nil {
			return d.run(ctx, "approve", inc.Name, "--plan", rec.Decided.Plan.ShortDigest())
		}
	}
	return fmt.Errorf("%s has no plan to approve of", inc.Name)
}

// restored follows the plan to its end, and compares what came back with what there was.
func (d *loss) restored(ctx context.Context) error {
	inc, err := d.comes(ctx, incident.Ended)
	if err != nil {
		return err
	}
	back, err := d.rig.Holdings(ctx, rig.Cluster, rig.Shop)
	if err != nil {
		return err
	}
	if err := same(d.Back(), back); err != nil {
		return err
	}
	if err := d.holds(ctx, rig.Cluster, rig.Shop); err != nil {
		return err
	}
	say("Compared with what there was when the backup was made, object by object: %s. All of it is the same, and the CronJob is suspended. The volume holds the orders of the backup; the later one is lost.",
		strings.Join(back.Names(), ", "))
	return d.run(ctx, "incidents", "show", inc.Name)
}

// copied restores the same backup into another namespace, one replica of everything and no Secrets.
func (d *loss) copied(ctx context.Context) error {
	say("bob wants a copy of the shop beside it, to look at: one replica of each Deployment, no Secrets. He may not approve of that himself.")
	if err := d.asks(ctx, "copy-namespace", rig.Cluster, "to look into an order"); err != nil {
		return err
	}
	copied, err := d.rig.Holdings(ctx, rig.Cluster, rig.Copy)
	if err != nil {
		return err
	}
	if err := same(d.Copied(), copied); err != nil {
		return err
	}
	say("Namespace %s holds %s: as in the backup, but for one replica of web, and no Secret.", rig.Copy, strings.Join(copied.Names(), ", "))
	return d.holds(ctx, rig.Cluster, rig.Copy)
}

// moved takes a snapshot of a volume, and has the other cluster make a volume of it.
func (d *loss) moved(ctx context.Context) error {
	say("bob wants the orders in the other cluster, which shares the storage system: a snapshot here, and a volume from it there.")
	if err := d.asks(ctx, "snapshot-orders", rig.Cluster, "to move the orders"); err != nil {
		return err
	}
	if _, err := d.rig.Standby.Kubectl(ctx, stack.Admin, "create", "namespace", rig.Shop); err != nil {
		return err
	}
	if err := d.asks(ctx, "import-orders", rig.Standby, "to move the orders"); err != nil {
		return err
	}
	say("Cluster %s has a claim orders in namespace shop, with the same orders on its volume.", rig.Standby)
	return d.holds(ctx, rig.Standby, rig.Shop)
}

// asks has bob want a runbook, and alice approve of it, and follows it to its end.
func (d *loss) asks(ctx context.Context, runbook, cluster, reason string) error {
	d.began = time.Now()
	before, err := d.salvor.Incidents(ctx)
	if err != nil {
		return err
	}
	args := []string{"run", runbook, "--cluster", cluster, "--with", "namespace=" + rig.Shop, "--reason", reason}
	said, err := d.salvor.As(ctx, "bob", args...)
	if err != nil {
		return err
	}
	showing("bob", args, said)
	d.told = 0
	err = rig.Wait(ctx, 20*time.Second, "there is another incident", func(ctx context.Context) (bool, error) {
		now, err := d.salvor.Incidents(ctx)
		return len(now) > len(before), err
	})
	if err != nil {
		return err
	}
	inc, err := d.follow(ctx, &d.told, time.Minute, incident.Awaiting)
	if err != nil {
		return err
	}
	if err := d.approve(ctx, inc); err != nil {
		return err
	}
	if _, err = d.comes(ctx, incident.Recovered); err != nil {
		return err
	}
	if _, err := d.salvor.As(ctx, "bob", "declare", "--end", "data", rig.Shop, "--cluster", cluster); err != nil {
		return err
	}
	_, err = d.comes(ctx, incident.Ended)
	return err
}

// comes follows the newest incident until it is in a state, and sees that what was done is verified.
func (d *loss) comes(ctx context.Context, to incident.State) (api.Incident, error) {
	inc, err := d.follow(ctx, &d.told, 5*time.Minute, to)
	if err == nil && inc.Outcome != responders.OutcomeVerified {
		err = fmt.Errorf("the outcome of %s is %s, not verified: %s", inc.Name, inc.Outcome, inc.Why)
	}
	return inc, err
}

// holds says whether a volume holds the orders of the backup.
func (d *loss) holds(ctx context.Context, cluster, namespace string) error {
	orders, err := d.rig.Read(ctx, cluster, namespace, rig.Orders)
	if err == nil && orders != rig.OrdersKept {
		err = fmt.Errorf("the orders in %s of %s are %q, not those of the backup", namespace, cluster, orders)
	}
	return err
}

func (d *loss) end() error {
	if d.Loss != nil {
		d.Ingress.Close()
	}
	return d.demo.end()
}

func same(want, is rig.Holdings) error {
	if unlike := want.Unlike(is); unlike != "" {
		return fmt.Errorf("what came back is not what was there:\n%s", unlike)
	}
	return nil
}

// run shows a command of salvor and what it says.
func (d *loss) run(ctx context.Context, args ...string) error {
	said, err := d.salvor.CLI(ctx, args...)
	showing("alice", args, said)
	return err
}

// showing shows a command, as it is typed, and what it says.
func showing(who string, args []string, said string) {
	shown := make([]string, len(args))
	for i, arg := range args {
		if shown[i] = arg; strings.Contains(arg, " ") {
			shown[i] = strconv.Quote(arg)
		}
	}
	say("%s: salvor %s", who, strings.Join(shown, " "))
	fmt.Println()
	_, _ = indent{os.Stdout}.Write([]byte(said))
}
