package classifiers

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/events"
)

// nodeLook is what the signals of one cluster can see now of its nodes.
type nodeLook struct {
	view          *View
	cluster       *Cluster
	nodes, leases bool
	brief         bool                   // words without numbers
	deaf          bool                   // alerts are not of now
	alerts        map[string][]AlertView // those that fire about the loss of a node, by its name, in a stable order
}

func lookAtNodes(v *View, c *Cluster) nodeLook {
	look := nodeLook{view: v, cluster: c, nodes: v.Sees(c, "nodes"), leases: v.Sees(c, "leases"), deaf: c.Deaf(v.Now)}
	if !look.deaf {
		look.alerts = c.lossAlerts()
	}
	return look
}

// lossAlerts are the alerts that fire about the loss of a node that is lost, by its name. Labels are compared whole; a port behind an
// instance is cut off.
func (c *Cluster) lossAlerts() map[string][]AlertView {
	out := map[string][]AlertView{}
	if len(c.Lost) == 0 {
		return out
	}
	for _, a := range c.Firing[events.TopicNodeLost] {
		for _, name := range slices.Compact([]string{a.Labels.Of("node"), hostOf(a.Labels.Of("instance"))}) {
			if c.Lost[name] != nil {
				out[name] = append(out[name], *a)
			}
		}
	}
	for _, list := range out {
		slices.SortFunc(list, byFingerprint)
	}
	return out
}

func (l nodeLook) silent(n *NodeView) bool { return l.leases && n.Lease.State == events.LeaseStale }

func (l nodeLook) unready(n *NodeView) bool {
	return l.nodes && n.Ready.Status != "" && n.Ready.Status != statusTrue
}

// hostOf is an instance without its port.
func hostOf(instance string) string {
	host, _, _ := strings.Cut(instance, ":")
	return host
}

// Return is a node that was lost and came back.
type Return struct{ LostAt, BackAt time.Time }

// returnsFor is how long a return is remembered, and maxReturns how many are: it is asked for within one confirmation window.
const (
	returnsFor = 10 * time.Minute
	maxReturns = 5000
)

func (c *Cluster) returned(r Return) {
	c.Returns = append(c.Returns, r)
	if len(c.Returns) > maxReturns {
		c.Returns = c.Returns[1:]
	}
	c.forgetReturns(r.BackAt)
}

func (c *Cluster) forgetReturns(now time.Time) {
	for len(c.Returns) > 0 && now.Sub(c.Returns[0].BackAt) > returnsFor {
		c.Returns = c.Returns[1:]
	}
}

// backSince are the returns after a moment.
func (c *Cluster) backSince(t time.Time) []Return {
	for i, r := range c.Returns {
		if r.BackAt.After(t) {
			return c.Returns[i:]
		}
	}
	return nil
}

// returns is how much later than a loss the last of those came back that were lost within a span of it.
func returns(lostAt time.Time, back []Return, within time.Duration) time.Duration {
	var after time.Duration
	for _, r := range back {
		if apart := r.LostAt.Sub(lostAt); apart.Abs() <= within {
			after = max(after, r.BackAt.Sub(lostAt))
		}
	}
	return after
}

// broken are the nodes that are silent or not ready, as far as can be seen now, sorted by name.
func (l nodeLook) broken() []*NodeView {
	out := l.those(l.breaks)
	slices.SortFunc(out, func(a, b *NodeView) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// breaks says whether a node is silent or not ready, as far as can be seen now.
func (l nodeLook) breaks(n *NodeView) bool { return l.silent(n) || l.unready(n) }

// those are the lost nodes for which it is so, in no order.
func (l nodeLook) those(so func(*NodeView) bool) []*NodeView {
	var out []*NodeView
	for _, n := range l.cluster.Lost {
		if so(n) {
			out = append(out, n)
		}
	}
	return out
}

// lost are the broken nodes that were seen well before, in the order in which they were lost, those of one moment by name.
func (l nodeLook) lost() []*NodeView {
	out := l.those(func(n *NodeView) bool { return l.breaks(n) && !n.standing() })
	slices.SortFunc(out, func(a, b *NodeView) int {
		if apart := a.LostAt.Compare(b.LostAt); apart != 0 {
			return apart
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return out
}

// losses are when those of the broken nodes were lost that were seen well before, in order.
func losses(broken []*NodeView) []time.Time {
	var out []time.Time
	for _, n := range broken {
		if !n.standing() {
			out = append(out, n.LostAt)
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

// together are those of lost nodes, which are in the order of their loss, that were lost within a span of each other: the most
// there are.
func together(lost []*NodeView, span time.Duration) []*NodeView {
	var most []*NodeView
	first := 0
	for last, n := range lost {
		for n.LostAt.Sub(lost[first].LostAt) > span {
			first++
		}
		if last+1-first > len(most) {
			most = lost[first : last+1]
		}
	}
	return most
}

// LostWith counts the nodes of a cluster that were lost within a span of the loss of one of those named, which count too, and are
// still lost, and all nodes that were there then and are. Nodes that were never seen well are not lost, nor those that nobody sees now.
func (v *View) LostWith(c *Cluster, names []string, span time.Duration) (together, of int) {
	lost := lookAtNodes(v, c).lost()
	named := map[string]bool{}
	for _, name := range names {
		named[name] = true
	}
	var mine []time.Time
	for _, n := range lost {
		if named[n.Name] {
			mine = append(mine, n.LostAt)
		}
	}
	if len(mine) == 0 {
		return 0, c.size(v.Now)
	}
	first, last := mine[0].Add(-span), mine[len(mine)-1].Add(span)
	lost = slices.DeleteFunc(lost, func(n *NodeView) bool { return n.LostAt.Before(first) || n.LostAt.After(last) })
	return len(lost), c.size(lastLoss(lost, v.Now))
}
