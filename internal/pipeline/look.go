package pipeline

import (
	"maps"
	"slices"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
)

// Look is what the view says about one incident at one moment.
type Look struct {
	Sight incident.Sight
	Seq   uint64 // the event the view had reached
}

// Look asks the view about an incident's fault. Before the first judgement nothing is seen.
func (p *Pipeline) Look(inc *incident.Incident) Look {
	p.mu.Lock()
	defer p.mu.Unlock()
	finding := p.findings[inc.Key]
	blind := !p.judging || finding == nil && p.view.Blind(inc.Fault)
	return Look{Seq: p.view.Seq, Sight: incident.Sight{Now: p.view.Now, Blind: blind, Finding: finding}}
}

// Ask lets f read the view. f must not keep it.
func (p *Pipeline) Ask(f func(*classifiers.View)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(p.view)
}

// Seq is the event that the view has reached.
func (p *Pipeline) Seq() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.view.Seq
}

// Time is the time of the view.
func (p *Pipeline) Time() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.view.Now
}

// Live are the ids of the incidents that have not ended, the oldest first.
func (p *Pipeline) Live() []incident.ID {
	p.mu.Lock()
	defer p.mu.Unlock()
	var open []*incident.Incident
	for _, t := range p.live {
		open = append(open, p.byID[t.id])
	}
	slices.SortFunc(open, func(a, b *incident.Incident) int { return a.OpenedAt.Compare(b.OpenedAt) })
	var ids []incident.ID
	for _, inc := range open {
		ids = append(ids, inc.ID)
	}
	return ids
}

// Incidents are all incidents the replica knows, those that live and those that ended within Options.Keep, the oldest first, as
// copies whose histories are not to be changed.
func (p *Pipeline) Incidents() []incident.Incident {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []incident.Incident
	for _, inc := range p.byID {
		all = append(all, *inc)
	}
	slices.SortFunc(all, func(a, b incident.Incident) int { return a.OpenedAt.Compare(b.OpenedAt) })
	return all
}

// OpenedSince counts the incidents of a key that were opened after a time, of those that the replica knows.
func (p *Pipeline) OpenedSince(key incident.Key, t time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, inc := range p.byID {
		if inc.Key == key && inc.OpenedAt.After(t) {
			n++
		}
	}
	return n
}

// Known are the nodes of a cluster that exist as far as the view knows, by name.
func (p *Pipeline) Known(cluster string) map[string]events.Node {
	out := map[string]events.Node{}
	p.eachNode(cluster, func(n *classifiers.NodeView) { out[n.Name] = n.Node })
	return out
}

// KnownLeases are the last transitions of the Leases of the cluster's nodes, by node name.
func (p *Pipeline) KnownLeases(cluster string) map[string]events.Lease {
	out := map[string]events.Lease{}
	p.eachNode(cluster, func(n *classifiers.NodeView) {
		if n.Lease.State != "" {
			out[n.Name] = n.Lease.Lease
		}
	})
	return out
}

// KnownSilences are the silences of all Alertmanagers that the view knows, by id. The view keeps none yet.
func (p *Pipeline) KnownSilences() map[string]events.Silence { return map[string]events.Silence{} }

func (p *Pipeline) eachNode(cluster string, f func(*classifiers.NodeView)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.view.Clusters[cluster]
	if !ok {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(c.Nodes)) {
		if n := c.Nodes[name]; !n.Gone {
			f(n)
		}
	}
}
