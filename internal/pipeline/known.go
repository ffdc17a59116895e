package pipeline

import (
	"maps"
	"slices"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
)

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

// KnownPods are the pods of a cluster that are in trouble as far as the view knows, by "namespace/name".
func (p *Pipeline) KnownPods(cluster string) map[string]events.Pod {
	out := map[string]events.Pod{}
	p.each(cluster, func(c *classifiers.Cluster) {
		for key, pod := range c.Pods {
			if pod.Troubled() {
				out[key] = pod.Pod
			}
		}
	})
	return out
}

// KnownWorkloads are the workloads of a cluster that exist as far as the view knows, by "kind/namespace/name".
func (p *Pipeline) KnownWorkloads(cluster string) map[string]events.Workload {
	out := map[string]events.Workload{}
	p.each(cluster, func(c *classifiers.Cluster) {
		for key, w := range c.Workloads {
			if !w.Gone {
				out[key] = w.Workload
			}
		}
	})
	return out
}

// KnownObjects are the objects of a kind of a cluster that exist as far as the view knows, by "kind/namespace/name".
func (p *Pipeline) KnownObjects(cluster, kind string) map[string]events.Object {
	out := map[string]events.Object{}
	p.each(cluster, func(c *classifiers.Cluster) {
		for key, o := range c.Objects {
			if !o.Gone && o.Kind == kind {
				out[key] = o.Object
			}
		}
	})
	return out
}

// KnownSilences are the silences that are in force as far as the view knows, by id.
func (p *Pipeline) KnownSilences() map[string]events.Silence {
	out := map[string]events.Silence{}
	p.Ask(func(v *classifiers.View) {
		for id, s := range v.Silences {
			out[id] = s.Silence
		}
	})
	return out
}

func (p *Pipeline) eachNode(cluster string, f func(*classifiers.NodeView)) {
	p.each(cluster, func(c *classifiers.Cluster) {
		for _, name := range slices.Sorted(maps.Keys(c.Nodes)) {
			if n := c.Nodes[name]; !n.Gone {
				f(n)
			}
		}
	})
}

func (p *Pipeline) each(cluster string, f func(*classifiers.Cluster)) {
	p.Ask(func(v *classifiers.View) {
		if c, ok := v.Clusters[cluster]; ok {
			f(c)
		}
	})
}
