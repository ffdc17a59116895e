package classifiers

import "slices"

// AnchorCluster is the kind of the anchor of a fault that is about a whole cluster.
const AnchorCluster = "cluster"

const anchorNamespace = "namespace"

// correlate says of each finding which wider one explains it, if any: a node is part of its zone, or of a storm; a zone is part of
// its region, or what is left of a storm that ends; what was deleted in a namespace is part of the loss of the namespace.
func correlate(all []Finding) {
	var wide []*Finding
	for i := range all {
		if all[i].Kind == KindRegion || all[i].Kind == KindZone || all[i].Storms() || all[i].losesNamespaces() {
			wide = append(wide, &all[i])
		}
	}
	for i := range all {
		for _, w := range wide {
			if w != &all[i] && w.explains(&all[i]) {
				all[i].Under = &w.Fault
				break
			}
		}
	}
}

// explains says whether f is the wider fault under g. No two explain each other, and what stood when Salvor first looked explains
// nothing.
func (f *Finding) explains(g *Finding) bool {
	return !f.Standing && !g.Standing && Explains(f.Fault, g.Fault)
}

// Explains says whether one fault is the wider one under another.
func Explains(f, g Fault) bool {
	if f.Cluster != g.Cluster {
		return false
	}
	switch {
	case f.Kind == KindRegion:
		return g.Kind == KindZone || g.Kind == KindNode
	case f.Kind == KindZone && g.Kind == KindNode && !g.Storms():
		return slices.Contains(g.Scope.Zones, f.Anchor.Name)
	case f.Storms() && g.Kind == KindNode:
		return !g.Storms()
	case f.losesNamespaces():
		return g.Kind == KindData && g.Anchor.Kind == anchorNamespace && slices.Contains(f.Scope.Namespaces, g.Anchor.Name)
	case f.Storms() && g.Kind == KindZone:
		return !slices.ContainsFunc(g.Scope.Nodes, func(name string) bool { return !f.covers(name) })
	}
	return false
}

// covers says whether a node is in the scope, whose nodes are in order.
func (f Fault) covers(node string) bool {
	_, ok := slices.BinarySearch(f.Scope.Nodes, node)
	return ok
}

// losesNamespaces says that the fault is the loss of whole namespaces.
func (f Fault) losesNamespaces() bool { return f.Kind == KindData && f.Anchor.Kind == AnchorCluster }

// Storms says whether the fault is one that Storm finds.
func (f Fault) Storms() bool { return f.Kind == KindNode && f.Anchor.Kind == AnchorCluster }
