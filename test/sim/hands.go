package sim

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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
	machines, err := h.aimed(c, args, &change)
	if err != nil {
		return change, err
	}
	beats := map[string]int64{}
	for _, m := range machines {
		change.Targets = append(change.Targets, policies.Target{Kind: "Node", Name: m.name, UID: m.uid, Zone: m.zone})
		change.Nothing = change.Nothing && h.is(m, env.Incident)
		beats[m.uid] = m.beatAt.UnixNano()
	}
	change.Detail, err = json.Marshal(beats)
	return change, cmp.Or(err, h.possible(machines, env.Incident))
}

// aimed are the machines that arguments mean: those that are named, or all that a zone has now. What is gone has nothing to be taken back.
func (h hand) aimed(c *cluster, args responders.Args, change *responders.Change) ([]*machine, error) {
	names := slices.Concat(args.Names("nodes"), args.Names("displacedFrom"))
	if zone := args.Text("zone"); zone != "" && len(names) == 0 {
		return c.of(zone), nil
	}
	var out []*machine
	for _, name := range names {
		switch m := c.byName[name]; {
		case m != nil && !m.gone:
			out = append(out, m)
		case h.spec.Name == restore:
			change.Targets = append(change.Targets, policies.Target{Kind: "Node", Name: name})
		default:
			return nil, fmt.Errorf("there is no node %s", name)
		}
	}
	return out, nil
}

// restore is the responder that takes back what others did.
const restore = "node.restore"

// possible says that something can be taken back where something has to be.
func (h hand) possible(machines []*machine, incident string) error {
	var unready error
	for _, m := range machines {
		switch {
		case h.spec.Name != restore || h.is(m, incident):
		case !m.unknown:
			return nil
		default:
			unready = fmt.Errorf("%s is not ready", m.name)
		}
	}
	return unready
}

// class is how harsh it is. With a power switch that confirms nothing can be lost.
func (h hand) class(c *cluster) policies.Class {
	if c.power && h.spec.Class > policies.Disruptive {
		return policies.Disruptive
	}
	return h.spec.Class
}

// Apply implements responders.Responder. What becomes of one machine holds no other up.
func (h hand) Apply(ctx context.Context, env responders.Env, change responders.Change) error {
	beats := map[string]int64{}
	if err := json.Unmarshal(change.Detail, &beats); err != nil {
		return err
	}
	var wrong error
	of := len(change.Targets)
	for _, t := range change.Targets {
		if h.run.chaos.IntN(25*of) == 0 && h.run.rough() { // the whole process stands still, and does not know
			h.run.clock.Sleep(context.WithoutCancel(ctx), h.run.chance(5*time.Minute))
		} else if !h.run.clock.Sleep(ctx, h.run.slow(of)) {
			return ctx.Err()
		}
		c, err := h.reach(env.Cluster)
		if err != nil {
			return err
		}
		m := c.byUID(t.UID)
		if err := h.refused(m, t, beats[t.UID]); err != nil {
			wrong = cmp.Or(wrong, err)
			continue
		}
		if m == nil || m.gone || h.is(m, env.Incident) && h.run.bug != BugBlindHands {
			continue
		}
		if err := responders.Guard(ctx); err != nil && h.run.bug != BugUnguarded {
			return err
		}
		h.run.oracle.effect(env, h.spec.Name, change, t, m)
		h.do(c, m, env.Incident)
	}
	return wrong
}

// refused says why nothing is done to a machine, whose last renewal was foreseen to be that one: it looks before it does.
func (h hand) refused(m *machine, t policies.Target, beatAt int64) error {
	gone := m == nil || m.gone
	switch h.spec.Name {
	case restore:
		if !gone && m.unknown {
			return fmt.Errorf("%s is not ready", t)
		}
		return nil
	case "node.release":
		if !gone && !m.off {
			return fmt.Errorf("nothing proves that %s is off", t)
		}
	case "node.fence":
		if !gone && !m.off && m.beatAt.UnixNano() != beatAt {
			return fmt.Errorf("%s has renewed its Lease since the plan was made", t)
		}
	}
	if gone {
		return fmt.Errorf("%s is another node now", t)
	}
	return nil
}

// slow is how long one of so many writes takes, all of which take a moment mostly, and now and then minutes.
func (r *run) slow(of int) time.Duration {
	if r.chaos.IntN(40*of) == 0 {
		return r.chance(4 * time.Minute)
	}
	return r.chance(2 * time.Second / time.Duration(of))
}

// is says whether a machine is already as the responder would have it for an incident.
func (h hand) is(m *machine, incident string) bool {
	switch h.spec.Name {
	case "node.cordon":
		return m.cordoned != "" || m.person
	case "node.fence":
		return m.off
	case "node.release":
		return m.released != ""
	case restore:
		return m.cordoned != incident && m.released != incident || h.run.bug == BugNoUndo
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
	case restore:
		if h.run.bug != BugNoUndo {
			m.takeBack(incident)
		}
	}
	c.touch(m)
}

// takeBack takes back what was done for an incident, and nothing that another did.
func (m *machine) takeBack(incident string) {
	if m.cordoned == incident {
		m.cordoned = ""
	}
	if m.released == incident {
		m.released = ""
	}
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
		if !h.holds(c.byUID(t.UID), env.Incident) {
			missing = append(missing, t.String())
		}
	}
	if h.spec.Name == "workload.available" && !c.anyWell() {
		return responders.Finding{Outcome: responders.OutcomeNotVerified, Detail: []string{"no node is left to run on"}}, nil
	}
	return responders.FindingOf(len(change.Targets), missing), nil
}

// holds says whether what was to come of a machine has come, of which nobody has to know where pods run.
func (h hand) holds(m *machine, incident string) bool {
	gone := m == nil || m.gone
	switch h.spec.Name {
	case restore:
		return gone || h.is(m, incident)
	case "node.cordon", "node.fence", "node.release":
		return !gone && h.is(m, incident)
	}
	return true
}

func (c *cluster) anyWell() bool {
	for _, m := range c.machines {
		if !m.gone && m.well() {
			return true
		}
	}
	return false
}
