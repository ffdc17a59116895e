package classifiers

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Storm finds that many nodes of a cluster were lost at once without a zone that explains it. That looks like the end of the
// cluster, and mostly is the end of what the API server sees: the observer is suspected. It is one fault of kind node, anchored at
// the cluster, and nothing repairs it. The suspicion does not pass by itself: nodes that were lost together count as long as they are lost.
type Storm struct {
	Window time.Duration // confirmation window
	Within time.Duration // nodes lost within it count together
	Nodes  int           // at least so many
	Share  float64       // and at least this share of the cluster's nodes, 0-1
	Zone   Zone          // finds the zones whose nodes do not count; nor do those of a zone that people declared lost
}

// Least is how many nodes of so many make a storm.
func (c Storm) Least(nodes int) int { return max(c.Nodes, int(math.Ceil(c.Share*float64(nodes)))) }

// Classify implements Classifier.
func (c Storm) Classify(v *View) []Finding {
	var out []Finding
	for _, cluster := range v.sorted() {
		if len(cluster.Lost) < c.Nodes {
			continue
		}
		if g := c.gust(lookAtNodes(v, cluster)); g.storms() {
			out = append(out, c.finding(cluster, g))
		}
	}
	return out
}

// gust is what is judged by: the nodes that were lost together and that no lost zone explains.
type gust struct {
	lost         []*NodeView
	nodes, least int // how many the cluster had then, and how many of them make a storm; 0 is none
	zones        int // lost zones, whose nodes do not count
}

func (c Storm) gust(look nodeLook) gust {
	explained := map[string]bool{}
	lost := look.lost()
	for _, zone := range c.Zone.lost(look.cluster, lost) {
		explained[zone.name] = true
	}
	for _, zone := range look.cluster.declaredZones(look.view.Now) {
		explained[zone] = true
	}
	unexplained := slices.DeleteFunc(lost, func(n *NodeView) bool { return explained[n.Zone] })
	g := gust{lost: together(unexplained, c.Within), zones: len(explained)}
	g.nodes = look.cluster.size(lastLoss(g.lost, look.view.Now))
	g.least = c.Least(g.nodes)
	return g
}

func (g gust) storms() bool { return g.least > 0 && len(g.lost) >= g.least }

func (c Storm) finding(cluster *Cluster, g gust) Finding {
	took := span(g.lost[0].LostAt, g.lost[len(g.lost)-1].LostAt)
	return Finding{Window: c.Window, Fault: Fault{
		Kind: KindNode, Cluster: cluster.Name, Anchor: Anchor{Kind: AnchorCluster, Name: cluster.Name}, Scope: scopeOf(g.lost),
		Signals: []Signal{{Name: "nodes", Source: SourceAPIServer, Asked: true, Agrees: true,
			Detail: fmt.Sprintf("%d lost at once, %d are enough", len(g.lost), g.least)}},
		Since: g.lost[g.least-1].LostAt, Evidence: evidenceOf(g.lost),
		Sentence: fmt.Sprintf("%d of %d nodes of %s were lost within %s: the observer is suspected", len(g.lost), g.nodes, cluster.Name, took)}}
}

// size counts the nodes that exist, of those that were there at a time: what is made in the place of lost ones makes them no fewer.
func (c *Cluster) size(at time.Time) int {
	n := 0
	for _, node := range c.Nodes {
		if !node.Gone && !node.Created.After(at) {
			n++
		}
	}
	return n
}

// lastLoss is when the last of lost nodes, which are in the order of their loss, was lost; now when there are none.
func lastLoss(lost []*NodeView, now time.Time) time.Time {
	if len(lost) == 0 {
		return now
	}
	return lost[len(lost)-1].LostAt
}

// maxEvidence bounds the events that a fault of many objects names.
const maxEvidence = 40

// evidenceOf are the events that told of the loss of nodes.
func evidenceOf(lost []*NodeView) []string {
	var out []string
	for _, n := range lost[:min(len(lost), maxEvidence)] {
		if n.Lease.At.Equal(n.LostAt) {
			out = append(out, n.Lease.Evidence)
			continue
		}
		out = append(out, n.Evidence)
	}
	return out
}

// scopeOf is how far the loss of nodes reaches.
func scopeOf(lost []*NodeView) Scope {
	nodes, zones, regions := slices.Grow([]string(nil), len(lost)), map[string]bool{}, map[string]bool{}
	for _, n := range lost {
		nodes = append(nodes, n.Name)
		if n.Zone != "" {
			zones[n.Zone] = true
		}
		if n.Region != "" {
			regions[n.Region] = true
		}
	}
	slices.Sort(nodes)
	return Scope{Nodes: nodes, Zones: sortedKeys(zones), Regions: sortedKeys(regions)}
}
