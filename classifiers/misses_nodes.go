package classifiers

// blind says that nobody sees the nodes of the cluster now: what is lost of them is not known.
func (l nodeLook) blind() bool { return !l.nodes && !l.leases }

// Misses says how far the losses are from a lost zone: of the zone of the fault, or of the one that is nearest to it. Of a lost zone
// it says what a second source would be.
func (c Zone) Misses(v *View, cluster *Cluster, f *Fault) []Miss {
	look := lookAtNodes(v, cluster)
	if look.blind() {
		if !f.aboutNodes() {
			return nil
		}
		return []Miss{miss("zone", 0, 1, "observers", "nobody sees the nodes of %s now, so none of its zones is known to be lost", named(cluster.Name))}
	}
	r, ok := c.nearest(look, f)
	switch {
	case !ok && f.Kind == KindNode:
		return []Miss{miss("zone", 0, 1, "zones", "no zone is known of what is lost")}
	case !ok:
		return nil
	case !r.most():
		return []Miss{miss("zone", len(r.lost), r.least, "nodes", "%d of %d nodes of %s lost within %s, %d would make it a zone",
			len(r.lost), r.nodes, named(r.name), rounded(c.Within), r.least)}
	case r.others == 0:
		return []Miss{miss("zone.others", 0, 1, "nodes", "%s has no node outside %s that could be well, 1 would do", named(cluster.Name), named(r.name))}
	case !r.alone():
		return []Miss{miss("zone.others", r.away, r.spared, "nodes", "%d of %d nodes of other zones lost with those of %s, at most %d may be",
			r.away, r.others, named(r.name), r.spared)}
	case f.Kind == KindZone:
		return look.unconfirmed(r)
	}
	return nil
}

// nearest is the zone that the fault is about: its own, or the one of those it reaches of which the most is lost.
func (c Zone) nearest(look nodeLook, f *Fault) (reach, bool) {
	lost, nodes := byZone(look.lost()), look.cluster.perZone()
	var names []string
	switch f.Kind {
	case KindZone:
		names = listOf(f.Anchor.Name)
	case KindNode:
		names = f.Scope.Zones
	default:
		names = sortedKeys(lost)
	}
	var best reach
	for _, name := range names {
		r := c.reach(name, lost, nodes)
		if name != "" && (best.name == "" || len(r.lost)*best.least > len(best.lost)*r.least) {
			best = r
		}
	}
	return best, best.name != ""
}

// unconfirmed says how many of the lost nodes of a zone independent alerts speak of, when those are too few for a second source.
func (l nodeLook) unconfirmed(r reach) []Miss {
	if s, _ := l.alertsOfZone(r.name, r.lost); s.Agrees {
		return nil
	}
	told, _ := l.toldLost(r.lost)
	who := "no independent alert speaks of it"
	switch {
	case l.deaf:
		who = "its monitoring is not heard"
	case told > 0:
		who = "independent alerts speak of too few"
	}
	return []Miss{miss("zone.alerts", told, halfOf(r.lost), "nodes", "single-sourced: %s; alerts about %d of its %d lost nodes have come, %d would do",
		who, told, len(r.lost), halfOf(r.lost))}
}

// Misses says how far the losses are from a storm.
func (c Storm) Misses(v *View, cluster *Cluster, f *Fault) []Miss {
	look := lookAtNodes(v, cluster)
	if look.blind() || !f.aboutNodes() && len(cluster.Lost) == 0 {
		return nil
	}
	g := c.gust(look)
	switch {
	case g.least == 0 || g.storms():
		return nil
	case g.zones > 0:
		return []Miss{miss("storm", len(g.lost), g.least, "nodes", "%d of %d nodes lost within %s outside the zones that are, %d would be a storm",
			len(g.lost), g.nodes, rounded(c.Within), g.least)}
	}
	return []Miss{miss("storm", len(g.lost), g.least, "nodes", "%d of %d nodes lost within %s, %d would be a storm", len(g.lost), g.nodes, rounded(c.Within), g.least)}
}

// Misses says what keeps a node from being lost that a fault is about: its signals do not say so.
func (c Node) Misses(v *View, cluster *Cluster, f *Fault) []Miss {
	if f.Kind != KindNode || f.Anchor.Kind != "node" {
		return nil
	}
	look, n := lookAtNodes(v, cluster), cluster.Nodes[f.Anchor.Name]
	switch {
	case n == nil || n.Gone:
		return []Miss{miss("node", 0, 1, "signals", "no node %s is known to exist", named(f.Anchor.Name))}
	case look.silent(n) || look.unready(n):
		return nil
	}
	return []Miss{miss("node", 0, 1, "signals", "%s is not seen to be lost: Lease %s, %s", named(n.Name), look.lease(n).Detail, look.ready(n).Detail)}
}

// Misses says how far what is tried of the control plane is from a lost region.
func (c Region) Misses(v *View, cluster *Cluster, f *Fault) []Miss {
	witnesses := pollOf(v, cluster, targetAPIServer, true)
	own := pollOf(v, cluster, targetAPIServer, false)
	if !f.aboutNodes() && len(witnesses.down)+len(own.down) == 0 {
		return nil
	}
	name, down := named(cluster.Name), len(witnesses.down)
	switch {
	case witnesses.known == 0:
		return []Miss{miss("region", 0, witnesses.needed(), "witnesses", "no witness tries the API server of %s, %d would be needed", name, witnesses.needed())}
	case !witnesses.most():
		return []Miss{miss("region", down, witnesses.needed(), "witnesses", "%d of %d witnesses cannot reach the API server of %s, %d would be needed",
			down, witnesses.known, name, witnesses.needed())}
	case len(own.down) < own.half():
		return []Miss{miss("region.probe", len(own.down), own.half(), "replicas", "%d of %d of Salvor's replicas cannot reach the API server of %s, %d would be needed",
			len(own.down), own.known, name, own.half())}
	case len(seconds(cluster, own)) == 0:
		return []Miss{miss("region.second", 0, 1, "signals", "%d of %d witnesses cannot reach the API server of %s, and no second signal says so, 1 would be needed",
			down, witnesses.known, name)}
	}
	return nil
}
