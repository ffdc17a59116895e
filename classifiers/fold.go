package classifiers

import (
	"strconv"
	"time"

	"github.com/salvor-io/salvor/events"
)

func (c *Cluster) foldNode(m moment, seen events.Node) {
	n, known := c.Nodes[seen.Name]
	switch {
	case known && n.UID == seen.UID && (n.Gone || older(seen.ResourceVersion, n.ResourceVersion)):
		return
	case known && n.UID != seen.UID && (seen.Gone || seen.Created.Before(n.Created)):
		return
	case !known || n.UID != seen.UID:
		n = &NodeView{ReadyAt: m.at}
		c.Nodes[seen.Name] = n
	}
	if n.Ready.Status != seen.Ready.Status {
		n.ReadyAt = m.at
	}
	n.Node, n.Evidence, n.ToldAt = seen, m.evidence, m.at
	n.WasReady = n.WasReady || seen.Ready.Status == statusTrue
	if seen.Gone {
		n.GoneAt = m.at
	}
	c.judgeLost(m, n)
}

func (c *Cluster) foldLease(m moment, seen events.Lease) {
	n, known := c.Nodes[seen.Node]
	if !known || n.Gone {
		return
	}
	if older(seen.ResourceVersion, n.Lease.ResourceVersion) {
		return
	}
	if n.Lease.State != seen.State {
		n.Lease.At = m.at
	}
	n.Lease.Lease, n.Lease.Evidence = seen, m.evidence
	n.Lease.WasFresh = n.Lease.WasFresh || seen.State == events.LeaseFresh || seen.WasFresh
	c.judgeLost(m, n)
}

// judgeLost keeps which nodes are lost, and since when.
func (c *Cluster) judgeLost(m moment, n *NodeView) {
	lost := !n.Gone && (n.Lease.State == events.LeaseStale || n.Ready.Status != statusTrue)
	switch {
	case !lost:
		if !n.LostAt.IsZero() && !n.Gone {
			c.returned(Return{n.LostAt, m.at})
		}
		n.LostAt = time.Time{}
		delete(c.Lost, n.Name)
		return
	case n.LostAt.IsZero():
		n.LostAt = m.at
	}
	c.Lost[n.Name] = n
}

// older says whether resource version a was written before b. Versions that are not numbers are never older: their order
// of arrival counts.
func older(a, b string) bool {
	x, errX := strconv.ParseUint(a, 10, 64)
	y, errY := strconv.ParseUint(b, 10, 64)
	return errX == nil && errY == nil && x < y
}
