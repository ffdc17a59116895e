package serving

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// HTTP changes nothing. It pins the probes of a cluster when the plan is made, and verifies that each answers as expected, asked
// from where Salvor runs. For a cluster without probes it verifies nothing, and says so.
type HTTP struct{ probes map[string][]*Probe }

// NewHTTP makes the responder probe.http of the probes of each cluster.
func NewHTTP(probes map[string][]*Probe) *HTTP { return &HTTP{probes} }

// Spec describes probe.http. It asks nothing of the API server.
func (h *HTTP) Spec() responders.Spec {
	return responders.Spec{
		Name:  "probe.http",
		About: "verifies that the probes of the cluster answer as expected, asked from where Salvor runs; writes nothing",
		Class: policies.Observe,
		Params: []responders.Param{
			{Name: "probes", Type: responders.ParamNames, About: "names of some of the probes in salvor.yaml; not given, it is all that are for the cluster"},
		},
	}
}

// Preview pins the probes. It asks none of them: that one does not answer is what the plan is for.
func (h *HTTP) Preview(_ context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	if err := h.Spec().Check(args); err != nil {
		return responders.Change{}, err
	}
	probes, err := h.chosen(env.Cluster, args.Names("probes"))
	switch {
	case err != nil:
		return responders.Change{}, err
	case len(probes) == 0:
		return silent(env.Cluster), nil
	case len(probes) > maxProbes:
		return responders.Change{}, fmt.Errorf("ask probes: %d of them, more than %d in one check; name some of them", len(probes), maxProbes)
	}
	change := responders.Change{Responder: "probe.http"}
	for _, p := range probes {
		change.Targets = append(change.Targets, policies.Target{Kind: "Probe", Name: p.name, UID: p.uid()})
		change.Will = append(change.Will, fmt.Sprintf("%s is awaited to answer %s with %s", p.name, p, p.expects()))
	}
	return change, nil
}

// silent is the check of a cluster without probes.
func silent(cluster string) responders.Change {
	return responders.Change{Responder: "probe.http", Nothing: true, Targets: []policies.Target{{Kind: "Cluster", Name: cluster}},
		Will: []string{"nothing says whether it serves: no probe is configured for " + cluster}}
}

// chosen are the probes of a cluster, or those of them that are named.
func (h *HTTP) chosen(cluster string, names []string) ([]*Probe, error) {
	all := h.probes[cluster]
	if names == nil {
		return all, nil
	}
	var out []*Probe
	for _, name := range names {
		i := slices.IndexFunc(all, func(p *Probe) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no probe named %q is configured for cluster %s: add it to probes in salvor.yaml, or correct the runbook", name, cluster)
		}
		out = append(out, all[i])
	}
	return out, nil
}

// Apply does nothing: there is nothing to do but to look.
func (h *HTTP) Apply(context.Context, responders.Env, responders.Change) error { return nil }

// Verify asks each of the probes once. One that is configured otherwise than when the plan was made would prove something else:
// nothing is known then.
func (h *HTTP) Verify(ctx context.Context, env responders.Env, change responders.Change) (responders.Finding, error) {
	if change.Nothing {
		return responders.FindingOf(0, nil), nil
	}
	var probes []*Probe
	for _, target := range change.Targets {
		found, err := h.chosen(env.Cluster, []string{target.Name})
		if err != nil {
			return unknown(err)
		}
		if found[0].uid() != target.UID {
			return unknown(fmt.Errorf("the probe %s is another one than when the plan was made: its address or what it expects was changed", target.Name))
		}
		probes = append(probes, found[0])
	}
	missing := askAll(ctx, probes)
	if ctx.Err() != nil {
		return unknown(ctx.Err())
	}
	return responders.FindingOf(len(probes), missing), nil
}

// askAll asks several at a time and says of each that does not answer as expected why, in their order.
func askAll(ctx context.Context, probes []*Probe) []string {
	said := make([]string, len(probes))
	var group errgroup.Group
	group.SetLimit(asks)
	for i, p := range probes {
		group.Go(func() error {
			if err := p.Ask(ctx); err != nil {
				said[i] = fmt.Sprintf("probe %s (%s): %v", p.name, p, err)
			}
			return nil
		})
	}
	_ = group.Wait() // what went wrong is in said
	return slices.DeleteFunc(said, func(s string) bool { return s == "" })
}
