// The demo loses a node of a real control plane under a Deployment and a StatefulSet and shows how Salvor recovers both:
// what is stateless at once, what is stateful after the power switch confirmed that the machine is off. Then the machine is
// switched on again and what was done to its node is taken back. It ends by itself and leaves nothing behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/test/rig"
	"github.com/salvor-io/salvor/test/stack"
)

func main() {
	binary := flag.String("salvor", "bin/salvor", "the salvor to show")
	scenario := flag.String("scenario", "node", "what goes wrong: node, zone, region, data, config, security or storm")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := play(ctx, *binary, *scenario); err != nil {
		fmt.Fprintln(os.Stderr, "the demo did not end well:", err)
		os.Exit(1)
	}
}

// play shows one scenario.
func play(ctx context.Context, binary, scenario string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	switch scenario {
	case "node":
		return show(ctx, binary)
	case "zone":
		return evacuate(ctx, binary)
	case "data":
		return restoreData(ctx, binary)
	}
	var names []string
	for _, d := range rig.Disasters() {
		if d.Name == scenario {
			return tellApart(ctx, binary, d)
		}
		names = append(names, d.Name)
	}
	return fmt.Errorf("there is no scenario %q: there are node, zone, %s", scenario, strings.Join(names, ", "))
}

// demo is one showing.
type demo struct {
	rig    *rig.Rig
	salvor *rig.Server
	victim string
	began  time.Time
}

func show(ctx context.Context, binary string) (err error) {
	say("Starting a real control plane: etcd, kube-apiserver, controller-manager, scheduler, 6 nodes in 3 zones, Alertmanager.")
	r, err := rig.Start(ctx, rig.Options{Salvor: binary, Log: indent{os.Stdout}, Stack: stack.Options{Alertmanagers: stack.Alertmanagers{Replicas: 1}}})
	if err != nil {
		return err
	}
	d := &demo{rig: r}
	defer func() { err = errors.Join(err, d.end()) }()
	for _, act := range []func(context.Context) error{d.serve, d.deploy, d.lose, d.recovered, d.timeline, d.giveBack} {
		if err := act(ctx); err != nil {
			return errors.Join(err, d.lastWords())
		}
	}
	say("Done: one node lost, everything recovered and verified, and the node is back as it was.")
	return nil
}

func (d *demo) serve(ctx context.Context) (err error) {
	if d.salvor, err = d.rig.Serve(rig.Settings{}); err != nil {
		return err
	}
	err = rig.Wait(ctx, 20*time.Second, "salvor is ready", func(ctx context.Context) (bool, error) { return d.salvor.Ready(ctx), nil })
	if err != nil {
		return err
	}
	say("Salvor is ready at http://%s. It watches the cluster, and may act on faults of kind node (mode act).", d.salvor.Address)
	return nil
}

func (d *demo) deploy(ctx context.Context) (err error) {
	if err := d.rig.Deploy(ctx, 12, 1); err != nil {
		return err
	}
	if d.victim, err = d.rig.NodeOf(ctx, "orders-db-0"); err != nil {
		return err
	}
	err = rig.Wait(ctx, 60*time.Second, "Salvor has seen all nodes well", func(ctx context.Context) (bool, error) {
		metrics, err := d.salvor.Metrics(ctx)
		return strings.Contains(metrics, `salvor_nodes{cluster="`+rig.Cluster+`",state="well"} 6`), err
	})
	if err != nil {
		return err
	}
	pods, err := d.rig.PodsOn(ctx, d.victim)
	if err != nil {
		return err
	}
	say("Deployment web (12 pods) and StatefulSet orders-db (1 pod) run. %s holds orders-db-0 and %d pods of web.", d.victim, len(pods)-1)
	return nil
}

func (d *demo) lose(ctx context.Context) error {
	d.began = time.Now()
	say("Killing %s with kill -9. Its machine stays powered on: nobody knows yet whether it still runs.", d.victim)
	if err := d.rig.Stack.FailNode(ctx, d.victim); err != nil {
		return err
	}
	if err := d.rig.Alert(ctx, "KubeNodeNotReady", d.victim); err != nil {
		return err
	}
	say("Alertmanager was told KubeNodeNotReady, as Prometheus would, and posts it to Salvor. (Stock Kubernetes moves the pods of web after 5 min 50 s, orders-db never.)")
	return nil
}

// recovered waits for the incident and tells what becomes of it.
func (d *demo) recovered(ctx context.Context) error {
	told := 0
	inc, err := d.follow(ctx, &told, 5*time.Minute, incident.Recovered)
	if err != nil {
		return err
	}
	if inc.Outcome != responders.OutcomeVerified {
		return fmt.Errorf("the outcome of %s is %s, not verified", inc.Name, inc.Outcome)
	}
	ok, err := d.rig.Available(ctx, 12, 1)
	if err != nil || !ok {
		return fmt.Errorf("salvor says verified, the API server does not: %w", err)
	}
	say("Verified after %s: web has 12 and orders-db 1 available again, none of them on %s.", time.Since(d.began).Round(time.Second), d.victim)
	return nil
}

// follow prints the records of the newest incident as they come, until it reaches a state.
func (d *demo) follow(ctx context.Context, told *int, within time.Duration, until incident.State) (inc api.Incident, err error) {
	err = rig.Wait(ctx, within, "the incident is "+string(until), func(ctx context.Context) (bool, error) {
		list, err := d.salvor.Incidents(ctx)
		if err != nil || len(list) == 0 {
			return false, err
		}
		if inc, err = d.salvor.Incident(ctx, string(list[len(list)-1].ID)); err != nil {
			return false, err
		}
		for ; *told < len(inc.History); *told++ {
			d.tell(inc.History[*told])
		}
		if inc.State == incident.HandedOver {
			return true, nil
		}
		return inc.State == until, nil
	})
	if err == nil && inc.State != until {
		err = fmt.Errorf("%s is %s: %s", inc.Name, inc.State, inc.Why)
	}
	return inc, err
}

func (d *demo) tell(rec api.Record) {
	what := string(rec.Kind)
	if rec.Step != nil {
		what += " " + rec.Step.Name
	}
	fmt.Printf("    +%3.0fs  %-17s %s\n", rec.StoredAt.Sub(d.began).Seconds(), what, rec.Text)
}

func (d *demo) timeline(ctx context.Context) error {
	list, err := d.salvor.Incidents(ctx)
	if err != nil {
		return err
	}
	out, err := d.salvor.CLI(ctx, "incidents", "show", list[0].Name)
	if err != nil {
		return err
	}
	say("salvor incidents show %s", list[0].Name)
	fmt.Println()
	fmt.Println(out)
	return nil
}

func (d *demo) giveBack(ctx context.Context) error {
	say("Switching %s on again.", d.victim)
	if err := d.rig.Stack.HealNode(ctx, d.victim); err != nil {
		return err
	}
	list, err := d.salvor.Incidents(ctx)
	if err != nil {
		return err
	}
	inc, err := d.salvor.Incident(ctx, string(list[0].ID))
	if err != nil {
		return err
	}
	told := len(inc.History)
	if _, err := d.follow(ctx, &told, 3*time.Minute, incident.Ended); err != nil {
		return err
	}
	return d.rig.Untouched(ctx, d.victim)
}

func (d *demo) end() error {
	var stopped error
	if d.salvor != nil {
		stopped = d.salvor.Stop()
	}
	return errors.Join(stopped, d.rig.Stop())
}

// lastWords shows the end of the server's log, for whoever has to find out.
func (d *demo) lastWords() error {
	if d.salvor == nil {
		return nil
	}
	raw, err := os.ReadFile(d.salvor.LogFile())
	if err != nil {
		return err
	}
	lines := slices.DeleteFunc(strings.Split(string(raw), "\n"), func(line string) bool {
		return strings.Contains(line, "part=http") || strings.Contains(line, "level=DEBUG")
	})
	fmt.Fprintln(os.Stderr, strings.Join(lines[max(0, len(lines)-40):], "\n"))
	return nil
}

func say(format string, args ...any) { fmt.Printf("\n==> "+format+"\n", args...) }

// indent writes progress behind four spaces.
type indent struct{ to io.Writer }

func (i indent) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		if _, err := fmt.Fprint(i.to, "    ", line); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}
