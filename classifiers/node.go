package classifiers

import (
	"fmt"
	"slices"
	"time"

	"github.com/salvor-io/salvor/events"
)

const statusTrue = "True"

// Node finds single nodes that are silent, unreachable or not ready.
//
// While more nodes are being lost it waits to see how far that reaches: the window of a node begins anew with each other one of
// its cluster that is lost while it runs, once and no longer than another window. It also begins anew when one comes back that was
// lost with it: then what is wrong with both may be ending.
type Node struct {
	Window time.Duration // confirmation window, not shorter than the one of [Zone]
	Within time.Duration // nodes lost within it count together
}

// maxWorded is how many broken nodes of a cluster are told of with all their numbers. Of more, nobody reads the numbers.
const maxWorded = 200

// Classify implements Classifier.
func (c Node) Classify(v *View) []Finding {
	var out []Finding
	for _, cluster := range v.sorted() {
		look := lookAtNodes(v, cluster)
		broken := look.broken()
		lost := losses(broken)
		look.brief = len(broken) > maxWorded
		out = slices.Grow(out, len(broken))
		back := cluster.backSince(v.Now.Add(-c.Window))
		for _, node := range broken {
			f := c.judge(look, node)
			f.Window += max(c.gathers(node, lost), returns(node.LostAt, back, c.Within))
			out = append(out, f)
		}
	}
	return out
}

func (c Node) judge(look nodeLook, n *NodeView) Finding {
	lease, ready, alert := look.lease(n), look.ready(n), look.alert(n)
	f := Fault{
		Kind: KindNode, Cluster: look.cluster.Name, Anchor: Anchor{Kind: "node", Name: n.Name, UID: n.UID},
		Scope:   Scope{Nodes: []string{n.Name}, Zones: listOf(n.Zone), Regions: listOf(n.Region)},
		Signals: []Signal{lease, ready, alert}, Since: n.LostAt,
	}
	f.Evidence = look.evidence(n)
	f.Sentence = sentence(n, lease, ready)
	return Finding{Fault: f, Window: c.Window, Standing: n.standing()}
}

// gathers is how much later than the node itself the last of those was lost that were lost while its window ran. The losses are in
// order.
func (c Node) gathers(n *NodeView, losses []time.Time) time.Duration {
	until := n.LostAt.Add(c.Window)
	after, _ := slices.BinarySearchFunc(losses, until, func(at, until time.Time) int {
		if at.After(until) {
			return 1
		}
		return -1
	})
	if after == 0 {
		return 0
	}
	return max(0, losses[after-1].Sub(n.LostAt))
}

// standing says that the node was never seen well: neither its Lease renewed nor its condition ready.
func (n *NodeView) standing() bool {
	leaseBroke := n.Lease.State == events.LeaseStale && n.Lease.WasFresh
	readyBroke := n.Ready.Status != statusTrue && n.WasReady
	return !leaseBroke && !readyBroke
}

func (l nodeLook) lease(n *NodeView) Signal {
	s := Signal{Name: "lease", Source: SourceAPIServer, Asked: l.leases && n.Lease.State != "", Agrees: l.silent(n)}
	switch {
	case l.brief && s.Agrees:
		s.Detail = "not renewed"
	case !l.leases:
		s.Detail = "not asked: nobody sees the leases of this cluster now"
	case n.Lease.State == "":
		s.Detail = "not asked: its Lease was never seen to be renewed"
	case s.Agrees:
		silent := n.Lease.Age.Duration() + l.view.Now.Sub(n.Lease.At)
		s.Detail = fmt.Sprintf("not renewed for %s", silent.Round(time.Second))
	default:
		s.Detail = "is being renewed"
	}
	return s
}

func (l nodeLook) ready(n *NodeView) Signal {
	s := Signal{Name: "ready condition", Source: SourceAPIServer, Asked: l.nodes && n.Ready.Status != "", Agrees: l.unready(n)}
	switch {
	case l.brief && s.Agrees:
		s.Detail = "Ready is " + n.Ready.Status
	case !l.nodes:
		s.Detail = "not asked: nobody sees the nodes of this cluster now"
	case n.Ready.Status == "":
		s.Detail = "not asked: the node has no Ready condition yet"
	case l.brief:
		s.Detail = "Ready is True"
	default:
		s.Detail = fmt.Sprintf("Ready is %s for %s", n.Ready.Status, l.view.Now.Sub(n.ReadyAt).Round(time.Second))
	}
	return s
}

// alert asks the alerts. They confirm and explain; they never make a finding alone, and their silence is no disagreement,
// since most wait a quarter of an hour.
func (l nodeLook) alert(n *NodeView) Signal {
	for _, a := range l.alerts[n.Name] {
		if a.mayRaise(KindNode) {
			return Signal{Name: "alert", Source: a.source(), Asked: true, Agrees: true, Detail: fmt.Sprintf("%s is firing since %s", a.Name, a.StartsAt.UTC().Format("15:04:05"))}
		}
	}
	return Signal{Name: "alert", Detail: "no alert speaks of it"}
}

// source is where the alert's facts come from.
func (a AlertView) source() string {
	if a.Independent {
		return SourceAlerts
	}
	return SourceAPIServer
}

// mayRaise says whether the alert's sender may raise faults of the kind.
func (a AlertView) mayRaise(kind Kind) bool {
	return len(a.Kinds) == 0 || slices.Contains(a.Kinds, string(kind))
}

func (l nodeLook) evidence(n *NodeView) []string {
	out := []string{n.Evidence}
	if n.Lease.Evidence != "" {
		out = append(out, n.Lease.Evidence)
	}
	for _, a := range l.alerts[n.Name] {
		if a.mayRaise(KindNode) {
			out = append(out, a.Evidence)
		}
	}
	return out[:min(len(out), maxEvidence)]
}

func sentence(n *NodeView, lease, ready Signal) string {
	switch {
	case lease.Agrees && ready.Agrees:
		return fmt.Sprintf("%s is silent and not ready: Lease %s, %s", n.Name, lease.Detail, ready.Detail)
	case lease.Agrees:
		return fmt.Sprintf("%s is silent: its Lease was %s", n.Name, lease.Detail)
	case lease.Asked:
		return fmt.Sprintf("%s is not ready though it renews its Lease: %s (%s)", n.Name, ready.Detail, n.Ready.Reason)
	}
	return fmt.Sprintf("%s is not ready: %s (%s)", n.Name, ready.Detail, n.Ready.Reason)
}

func listOf(name string) []string {
	if name == "" {
		return nil
	}
	return []string{name}
}
