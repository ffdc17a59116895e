package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/all"
)

// paper is the world that responders act on: it agrees with whatever is done, unless it is told otherwise.
type paper struct {
	view      func(func(*classifiers.View)) // what is seen now
	now       func() time.Time
	failing   map[string]bool          // responders of which nothing works
	takes     map[string]time.Duration // how long it takes until the world agrees with what a responder does
	begun     map[string]time.Time     // since when it is asked to, by plan and step
	touched   map[string]bool          // what an incident did something to, by incident and UID
	repairers []string
	unknown   bool // it is not known who else repairs nodes
}

func newPaper() *paper {
	return &paper{failing: map[string]bool{}, takes: map[string]time.Duration{}, begun: map[string]time.Time{}, touched: map[string]bool{}}
}

// since is when the world was first asked for what a step does.
func (p *paper) since(env responders.Env) time.Time {
	key := env.Incident + "/" + env.Plan + "/" + env.Step
	if _, ok := p.begun[key]; !ok {
		p.begun[key] = p.now()
	}
	return p.begun[key]
}

// catalog is that of all responders, each on paper.
func (p *paper) catalog() (responders.Catalog, error) {
	real, err := all.Catalog(all.Options{})
	if err != nil {
		return real, err
	}
	var list []responders.Responder
	for _, name := range real.Names() {
		r, err := real.Lookup(name)
		if err != nil {
			return real, err
		}
		list = append(list, sheet{r.Spec(), p})
	}
	return responders.NewCatalog(list...)
}

// Repairers implements recovery.Others.
func (p *paper) Repairers(string) (names []string, known bool) { return p.repairers, !p.unknown }

// sheet is one responder on paper.
type sheet struct {
	spec  responders.Spec
	world *paper
}

// Spec implements responders.Responder.
func (s sheet) Spec() responders.Spec { return s.spec }

// Preview implements responders.Responder: its targets are what its arguments name, nodes with what is seen of them.
func (s sheet) Preview(_ context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	if err := s.spec.Check(args); err != nil {
		return responders.Change{}, err
	}
	c := responders.Change{Responder: s.spec.Name, Class: s.spec.Class}
	if len(s.spec.Grants) == 0 { // it looks at what serves, and at nothing in the cluster
		c.Targets = append(c.Targets, policies.Target{Kind: "Cluster", Name: env.Cluster, UID: env.Cluster})
	}
	c.Targets = append(c.Targets, s.world.aims(s.spec, env.Cluster, args)...)
	switch {
	case s.spec.Name == evacuates && 2*len(env.Lost) > len(c.Targets):
		return c, fmt.Errorf("%s: most nodes of zone %s do not answer", s.spec.Name, args.Text("zone"))
	case s.spec.Name == restores && !s.world.hasTouched(env, c.Targets):
		if zone := args.Text("zone"); zone != "" {
			return s.nothing(names(c.Targets)), nil
		}
		return s.nothing(args.Names("nodes")), nil
	case len(c.Targets) == 0 && s.spec.Class == policies.Observe:
		c.Nothing, c.Targets = true, []policies.Target{{Kind: "Cluster", Name: env.Cluster}}
		c.Will = []string{"nothing is asked on paper"}
		return c, nil
	case len(c.Targets) == 0:
		return c, fmt.Errorf("%s: none of its targets was ever seen", s.spec.Name)
	}
	if goes, ok := goesBack[s.spec.Name]; ok {
		if err := goes(s.world, env, &c); err != nil {
			return c, err
		}
	}
	for _, t := range c.Targets {
		c.Will = append(c.Will, fmt.Sprintf("%s: %s", t, s.spec.About))
	}
	c.Command = "on paper: " + s.spec.Name + " " + strings.Join(names(c.Targets), " ")
	return c, nil
}

// restores is the responder that takes back what an incident did to nodes, and finds nothing to take back where it did nothing.
const restores = "node.restore"

// evacuates is the responder that asks pods of a zone that answers to go.
const evacuates = "workload.evacuate"

// nothing is the change that is none: its targets have no UIDs, as those of nodes that are gone have not.
func (s sheet) nothing(nodes []string) responders.Change {
	c := responders.Change{Responder: s.spec.Name, Nothing: true}
	for _, name := range nodes {
		c.Targets = append(c.Targets, policies.Target{Kind: "Node", Name: name})
		c.Will = append(c.Will, "nothing on "+name+" is of this incident")
	}
	return c
}

func names(targets []policies.Target) []string {
	var out []string
	for _, t := range targets {
		out = append(out, t.Name)
	}
	return out
}

// hasTouched says that the incident did something to one of the targets: what is not so is nothing to take back.
func (p *paper) hasTouched(env responders.Env, targets []policies.Target) bool {
	return slices.ContainsFunc(targets, func(t policies.Target) bool { return p.touched[env.Incident+"/"+t.UID] })
}

// nodes are those of the names that exist, each once.
func (p *paper) nodes(cluster string, wanted []string) []policies.Target {
	var out []policies.Target
	p.view(func(v *classifiers.View) {
		c := v.Clusters[cluster]
		if c == nil {
			return
		}
		for _, name := range wanted {
			n := c.Nodes[name]
			if n == nil || n.Gone {
				continue
			}
			t := policies.Target{Kind: "Node", Name: name, UID: n.UID, Zone: n.Zone}
			if !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	})
	return out
}

// nodesIn are all nodes of a zone that exist, by name.
func (p *paper) nodesIn(cluster, zone string) []policies.Target {
	var inside []string
	p.view(func(v *classifiers.View) {
		c := v.Clusters[cluster]
		if c == nil || zone == "" {
			return
		}
		for _, n := range c.Nodes {
			if n.Zone == zone {
				inside = append(inside, n.Name)
			}
		}
	})
	slices.Sort(inside)
	return p.nodes(cluster, inside)
}

// errOnPaper is how something fails of which the scene says that it does.
var errOnPaper = errors.New("it fails, as the scene says")

// Apply implements responders.Responder.
func (s sheet) Apply(ctx context.Context, env responders.Env, change responders.Change) error {
	if err := responders.Guard(ctx); err != nil {
		return err
	}
	if s.world.failing[s.spec.Name] {
		return errOnPaper
	}
	s.world.since(env)
	for _, t := range change.Targets {
		s.world.touched[env.Incident+"/"+t.UID] = true
	}
	return nil
}

// Verify implements responders.Responder.
func (s sheet) Verify(_ context.Context, env responders.Env, _ responders.Change) (responders.Finding, error) {
	if s.world.failing[s.spec.Name] {
		return responders.Finding{Outcome: responders.OutcomeNotVerified, Detail: []string{errOnPaper.Error()}}, nil
	}
	if takes := s.world.takes[s.spec.Name]; s.world.now().Sub(s.world.since(env)) < takes {
		return responders.Finding{Outcome: responders.OutcomeNotVerified, Detail: []string{fmt.Sprintf("it takes %s, as the scene says", takes)}}, nil
	}
	return responders.Finding{Outcome: responders.OutcomeVerified}, nil
}
