package classifiers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/events"
)

const statusTrue = "True"

// Node finds single nodes that are silent, unreachable or not ready. Its window must be long enough for a wider fault to
// show itself: never shorter than the window of [Zone].
type Node struct {
	Window time.Duration // confirmation window
}

// Classify implements Classifier.
func (c Node) Classify(v *View) []Finding {
	var out []Finding
	for _, cluster := range v.sorted() {
		look := nodeLook{view: v, cluster: cluster, nodes: v.Sees(cluster, "nodes"), leases: v.Sees(cluster, "leases")}
		for _, node := range cluster.Living() {
			if finding, ok := c.judge(look, node); ok {
				out = append(out, finding)
			}
		}
	}
	return out
}

// nodeLook is what the signals of one cluster can see now.
type nodeLook struct {
	view          *View
	cluster       *Cluster
	nodes, leases bool
}

func (c Node) judge(look nodeLook, n *NodeView) (Finding, bool) {
	if !look.silent(n) && !look.unready(n) {
		return Finding{}, false
	}
	lease, ready, alert := look.lease(n), look.ready(n), look.alert(n)
	f := Fault{
		Kind: KindNode, Cluster: look.cluster.Name, Anchor: Anchor{Kind: "node", Name: n.Name, UID: n.UID},
		Scope:   Scope{Nodes: []string{n.Name}, Zones: listOf(n.Zone), Regions: listOf(n.Region)},
		Signals: []Signal{lease, ready, alert}, Since: n.LostAt,
	}
	f.Evidence = look.evidence(n, f.Signals)
	f.Sentence = sentence(n, lease, ready)
	return Finding{Fault: f, Window: c.Window, Standing: n.standing()}, true
}

// standing says that the node was never seen well: neither its Lease renewed nor its condition ready.
func (n *NodeView) standing() bool {
	leaseBroke := n.Lease.State == events.LeaseStale && n.Lease.WasFresh
	readyBroke := n.Ready.Status != statusTrue && n.WasReady
	return !leaseBroke && !readyBroke
}

func (l nodeLook) silent(n *NodeView) bool { return l.leases && n.Lease.State == events.LeaseStale }

func (l nodeLook) unready(n *NodeView) bool {
	return l.nodes && n.Ready.Status != "" && n.Ready.Status != statusTrue
}

func (l nodeLook) lease(n *NodeView) Signal {
	s := Signal{Name: "lease", Asked: l.leases && n.Lease.State != "", Agrees: l.silent(n)}
	switch {
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
	s := Signal{Name: "ready condition", Asked: l.nodes && n.Ready.Status != "", Agrees: l.unready(n)}
	switch {
	case !l.nodes:
		s.Detail = "not asked: nobody sees the nodes of this cluster now"
	case n.Ready.Status == "":
		s.Detail = "not asked: the node has no Ready condition yet"
	default:
		s.Detail = fmt.Sprintf("Ready is %s for %s", n.Ready.Status, l.view.Now.Sub(n.ReadyAt).Round(time.Second))
	}
	return s
}

// alert asks the alerts. They confirm and explain; they never make a finding alone, and their silence is no disagreement,
// since most wait a quarter of an hour.
func (l nodeLook) alert(n *NodeView) Signal {
	for _, fingerprint := range sortedKeys(l.cluster.Alerts) {
		a := l.cluster.Alerts[fingerprint]
		if a.speaksOf(n.Name) {
			return Signal{Name: "alert", Asked: true, Agrees: true, Detail: fmt.Sprintf("%s is firing since %s", a.Name, a.StartsAt.UTC().Format("15:04:05"))}
		}
	}
	return Signal{Name: "alert", Detail: "no alert speaks of it"}
}

// speaksOf says whether the alert is one about the loss of the node, and fires.
func (a AlertView) speaksOf(node string) bool {
	return a.Firing() && a.Topic == events.TopicNodeLost && a.mayRaise(KindNode) && a.about(node)
}

// mayRaise says whether the alert's sender may raise faults of the kind.
func (a AlertView) mayRaise(kind Kind) bool {
	return len(a.Kinds) == 0 || slices.Contains(a.Kinds, string(kind))
}

// about says whether the alert's labels name the node. Labels are compared whole; a port behind an instance is cut off.
func (a AlertView) about(node string) bool {
	if a.Labels["node"] == node {
		return true
	}
	instance, _, _ := strings.Cut(a.Labels["instance"], ":")
	return instance == node
}

func (l nodeLook) evidence(n *NodeView, signals []Signal) []string {
	out := []string{n.Evidence}
	if n.Lease.Evidence != "" {
		out = append(out, n.Lease.Evidence)
	}
	if last := signals[len(signals)-1]; !last.Agrees {
		return out
	}
	for _, fingerprint := range sortedKeys(l.cluster.Alerts) {
		if a := l.cluster.Alerts[fingerprint]; a.speaksOf(n.Name) {
			out = append(out, a.Evidence)
		}
	}
	return out
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
