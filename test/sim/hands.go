package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/all"
)

// hands are the responders of one replica, on the truth.
func (r *run) hands(by string) (responders.Catalog, error) {
	real, err := all.Catalog(all.Options{})
	if err != nil {
		return real, err
	}
	var list []responders.Responder
	for _, name := range real.Names() {
		known, err := real.Lookup(name)
		if err != nil {
			return real, err
		}
		list = append(list, hand{run: r, by: by, spec: known.Spec()})
	}
	return responders.NewCatalog(list...)
}

// hand is one responder.
type hand struct {
	run  *run
	by   string
	spec responders.Spec
}

var errAway = errors.New("the API server does not answer")

// Spec implements responders.Responder.
func (h hand) Spec() responders.Spec { return h.spec }

func (h hand) reach(cluster string) (*cluster, error) {
	c := h.run.cluster(cluster)
	if !c.reached(h.by) {
		return nil, errAway
	}
	return c, nil
}

// Preview implements responders.Responder.
func (h hand) Preview(_ context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	c, err := h.reach(env.Cluster)
	if err != nil {
		return responders.Change{}, err
	}
	change := responders.Change{Responder: h.spec.Name, Class: h.class(c), Nothing: true, Will: []string{h.spec.About}}
	names := args.Names("nodes")
	if len(names) == 0 {
		names = args.Names("displacedFrom")
	}
	for _, name := range names {
		m := c.byName[name]
		if m == nil || m.gone {
			return change, fmt.Errorf("there is no node %s", name)
		}
		change.Targets = append(change.Targets, policies.Target{Kind: "Node", Name: m.name, UID: m.uid, Zone: m.zone})
		change.Nothing = change.Nothing && h.is(m)
		change.Detail = json.RawMessage(strconv.FormatInt(m.beatAt.UnixNano(), 10)) // of the last: a fence is of one node
	}
	return change, nil
}

// class is how harsh it is. With a power switch that confirms nothing can be lost.
func (h hand) class(c *cluster) policies.Class {
	if c.power && h.spec.Class > policies.Disruptive {
		return policies.Disruptive
	}
	return h.spec.Class
}

// Apply implements responders.Responder: it looks before it does, and asks the guard right before.
func (h hand) Apply(ctx context.Context, env responders.Env, change responders.Change) error {
	for _, t := range change.Targets {
		if h.run.chaos.IntN(25) == 0 && h.run.rough() { // the whole process stands still, and does not know
			h.run.clock.Sleep(context.WithoutCancel(ctx), h.run.chance(5*time.Minute))
		} else if !h.run.clock.Sleep(ctx, h.run.slow()) {
			return ctx.Err()
		}
		c, err := h.reach(env.Cluster)
		if err != nil {
			return err
		}
		m := c.byUID(t.UID)
		if m == nil || m.gone {
			return fmt.Errorf("%s is another node now", t)
		}
		if h.is(m) && h.run.bug != BugBlindHands {
			continue
		}
		switch {
		case h.spec.Name == "node.release" && !m.off:
			return fmt.Errorf("nothing proves that %s is off", t)
		case h.spec.Name == "node.fence" && string(change.Detail) != strconv.FormatInt(m.beatAt.UnixNano(), 10):
			return fmt.Errorf("%s has renewed its Lease since the plan was made", t)
		}
		if err := responders.Guard(ctx); err != nil && h.run.bug != BugUnguarded {
			return err
		}
		h.run.oracle.effect(env, h.spec.Name, change, t, m)
		h.do(c, m, env.Incident)
	}
	return nil
}

// slow is how long a write takes: mostly a moment, now and then minutes.
func (r *run) slow() time.Duration {
	if r.chaos.IntN(40) == 0 {
		return r.chance(4 * time.Minute)
	}
	return r.chance(2 * time.Second)
}

// is says whether a machine is already as the responder would have it.
func (h hand) is(m *machine) bool {
	switch h.spec.Name {
	case "node.cordon":
		return m.cordoned != "" || m.person
	case "node.fence":
		return m.off
	case "node.release":
		return m.released != ""
	case "node.restore":
		return m.cordoned == "" && m.released == "" || h.run.bug == BugNoUndo
	}
	return false
}

func (h hand) do(c *cluster, m *machine, incident string) {
	switch h.spec.Name {
	case "node.cordon":
		m.cordoned = incident
	case "node.fence":
		m.off = true
		h.run.powersOn(m)
	case "node.release":
		m.released = incident
	case "node.restore":
		if h.run.bug != BugNoUndo {
			m.cordoned, m.released = "", ""
		}
	}
	c.touch(m)
}

// powersOn has people switch a machine on again that was powered off in the moment in which it came back, once nothing else ails it.
func (r *run) powersOn(m *machine) {
	const look = time.Minute
	r.clock.At(r.clock.Now().Add(2*look), func() {
		for _, d := range r.disasters {
			if now := r.clock.Now(); slices.Contains(d.machines, m) && !now.Before(d.from) && now.Before(d.to.Add(2*look)) {
				r.powersOn(m)
				return
			}
		}
		m.off = false
	})
}

// Verify implements responders.Responder.
func (h hand) Verify(_ context.Context, env responders.Env, change responders.Change) (responders.Finding, error) {
	c, err := h.reach(env.Cluster)
	if err != nil {
		return responders.Finding{Outcome: responders.OutcomeUnknown}, err
	}
	var missing []string
	for _, t := range change.Targets {
		m := c.byUID(t.UID)
		if m == nil || m.gone || !h.is(m) && h.spec.Name != "workload.displace" && h.spec.Name != "workload.available" {
			missing = append(missing, t.String())
		}
	}
	if h.spec.Name == "workload.available" && !c.anyWell() {
		return responders.Finding{Outcome: responders.OutcomeNotVerified, Detail: []string{"no node is left to run on"}}, nil
	}
	return responders.FindingOf(len(change.Targets), missing), nil
}

func (c *cluster) anyWell() bool {
	for _, m := range c.machines {
		if !m.gone && m.well() {
			return true
		}
	}
	return false
}
