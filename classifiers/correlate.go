package classifiers

import "slices"

// AnchorCluster is the kind of the anchor of a fault that is about a whole cluster.
const AnchorCluster = "cluster"

// correlate says of each finding which wider one explains it, if any: a node is part of its zone, or of a storm; a zone is part of
// its region.
func correlate(all []Finding) {
	var wide []*Finding
	for i := range all {
		if all[i].Kind == KindRegion || all[i].Kind == KindZone || all[i].storms() {
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

// explains says whether f is the wider fault under g. No two explain each other.
func (f *Finding) explains(g *Finding) bool {
	if f.Cluster != g.Cluster || g.Standing {
		return false
	}
	switch {
	case f.Kind == KindRegion:
		return g.Kind == KindZone || g.Kind == KindNode
	case f.Kind == KindZone && g.Kind == KindNode && !g.storms():
		return slices.Contains(g.Scope.Zones, f.Anchor.Name)
	case f.storms() && g.Kind == KindNode && !g.storms():
		_, ok := slices.BinarySearch(f.Scope.Nodes, g.Anchor.Name)
		return ok
	}
	return false
}

// storms says whether the finding is one of Storm.
func (f *Finding) storms() bool { return f.Kind == KindNode && f.Anchor.Kind == AnchorCluster }
