package classifiers

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/salvor-io/salvor/events"
)

// Zone finds zones of which most nodes were lost at once while the other zones are well. A cluster of one zone has none to
// compare with: see [Storm].
//
// A zone that is found while others come back that were lost with it may be what is left of something wider, or be coming back itself:
// its window begins anew with each of those.
//
// That the API server's view of a zone is lost is one source. The alerts of a monitoring that scrapes the nodes itself are
// another; without them the finding is single-sourced, and says so.
type Zone struct {
	Window time.Duration // confirmation window
	Within time.Duration // nodes lost within it count together
}

// Classify implements Classifier.
func (c Zone) Classify(v *View) []Finding {
	var out []Finding
	for _, cluster := range v.sorted() {
		out = append(out, c.findings(lookAtNodes(v, cluster))...)
	}
	return out
}

// onlyAPIServer ends the sentence of a zone of which nobody else tells.
const onlyAPIServer = "; only the API server says so"

// findings are those of one cluster.
func (c Zone) findings(look nodeLook) []Finding {
	var out []Finding
	for _, r := range c.lost(look.cluster, look.lost()) {
		out = append(out, c.finding(look, r))
	}
	return out
}

// lost are the zones that are lost, sorted by name, by the nodes that are, which are in the order of their loss.
func (c Zone) lost(cluster *Cluster, nodes []*NodeView) []reach {
	if len(nodes) == 0 {
		return nil
	}
	var out []reach
	lost, all := byZone(nodes), cluster.perZone()
	for _, name := range sortedKeys(lost) {
		if r := c.reach(name, lost, all); name != "" && r.most() && r.alone() {
			out = append(out, r)
		}
	}
	return out
}

// byZone are nodes by zone, in their order.
func byZone(nodes []*NodeView) map[string][]*NodeView {
	out := map[string][]*NodeView{}
	for _, n := range nodes {
		out[n.Zone] = append(out[n.Zone], n)
	}
	return out
}

// leastOfZone is how many nodes of so many are most of a zone: more than half, and more than one.
func leastOfZone(nodes int) int { return max(2, nodes/2+1) }

// reach is how far the losses go in one zone, and what is judged by.
type reach struct {
	name         string
	lost         []*NodeView // those of the zone that were lost together
	nodes, least int         // how many it has, and how many are most of them
	others, away int         // how many other zones have, and how many of those were lost at that time
	spared       int         // at most so many of the others may be lost
}

// reach counts. The others are counted only when most of the zone is lost.
func (c Zone) reach(name string, lost map[string][]*NodeView, nodes map[string]int) reach {
	r := reach{name: name, lost: together(lost[name], c.Within), nodes: nodes[name], least: leastOfZone(nodes[name])}
	if r.most() {
		r.others, r.away = c.others(name, r.lost, nodes, lost)
		r.spared = min(max(1, r.others/10), r.others-1)
	}
	return r
}

// most says that most of the zone is lost.
func (r reach) most() bool { return len(r.lost) >= r.least }

// alone says that other zones are well.
func (r reach) alone() bool { return r.away <= r.spared }

func (c Zone) finding(look nodeLook, r reach) Finding {
	name, mine := r.name, r.lost
	took := span(mine[0].LostAt, mine[len(mine)-1].LostAt)
	f := Fault{
		Kind: KindZone, Cluster: look.cluster.Name, Anchor: Anchor{Kind: "zone", Name: name}, Scope: scopeOf(mine),
		Since: mine[r.least-1].LostAt, Evidence: evidenceOf(mine),
		Signals: []Signal{{Name: "nodes", Source: SourceAPIServer, Asked: true, Agrees: true,
			Detail: fmt.Sprintf("%d of %d lost within %s, of other zones %d of %d", len(mine), r.nodes, took, r.away, r.others)}},
	}
	alerts, evidence := look.alertsOfZone(name, mine)
	f.Signals, f.Evidence = append(f.Signals, alerts), append(f.Evidence, evidence...)
	f.Sentence = fmt.Sprintf("zone %s is lost: %d of its %d nodes within %s", name, len(mine), r.nodes, took)
	if away := look.lostElsewhere(name); away > 0 {
		f.Sentence += fmt.Sprintf("; %d nodes of other zones are away for longer", away)
	} else {
		f.Sentence += ", while other zones are well"
	}
	if f.SingleSourced() {
		f.Sentence += onlyAPIServer
	}
	return Finding{Fault: f, Window: c.Window + returns(f.Since, look.cluster.backSince(look.view.Now.Add(-c.Window)), c.Within)}
}

// others counts the nodes of the other zones, and those of them that were lost about when mine were: long before, or until mine had
// lasted. What is lost later is another matter, and does not bring the zone back. A node without a zone is of another one.
func (c Zone) others(name string, mine []*NodeView, nodes map[string]int, lost map[string][]*NodeView) (all, gone int) {
	for zone, n := range nodes {
		if zone != name {
			all += n
		}
	}
	first, last := mine[0].LostAt.Add(-c.Within), mine[len(mine)-1].LostAt.Add(c.Window)
	for zone, list := range lost {
		if zone == name {
			continue
		}
		for _, n := range list {
			if !n.LostAt.Before(first) && !n.LostAt.After(last) {
				gone++
			}
		}
	}
	return all, gone
}

// lostElsewhere counts the nodes of other zones that are lost.
func (l nodeLook) lostElsewhere(zone string) int {
	n := 0
	for _, node := range l.cluster.Lost {
		if node.Zone != zone && l.breaks(node) {
			n++
		}
	}
	return n
}

// perZone counts the nodes that exist by zone.
func (c *Cluster) perZone() map[string]int {
	out := map[string]int{}
	for _, n := range c.Nodes {
		if !n.Gone {
			out[n.Zone]++
		}
	}
	return out
}

// alertsOfZone asks the alerts whose facts do not come from the API server. They agree when they speak of the zone, or of at least
// half of the lost nodes. Their silence is no disagreement: most wait a quarter of an hour.
func (l nodeLook) alertsOfZone(zone string, lost []*NodeView) (Signal, []string) {
	if evidence := l.cluster.zoneAlerts(zone); len(evidence) > 0 && !l.deaf {
		return Signal{Name: "alerts", Source: SourceAlerts, Asked: true, Agrees: true, Detail: "they speak of the zone"}, evidence
	}
	told, evidence := l.toldLost(lost)
	agrees := told > 0 && told >= halfOf(lost)
	s := Signal{Name: "alerts", Source: SourceAlerts, Asked: agrees, Agrees: agrees, Detail: fmt.Sprintf("they speak of %d of the %d lost nodes", told, len(lost))}
	if !agrees {
		return s, nil
	}
	return s, evidence
}

// halfOf is how many of lost nodes alerts have to speak of.
func halfOf(lost []*NodeView) int { return (len(lost) + 1) / 2 }

// toldLost counts those of lost nodes of which an independent alert speaks, and names events that do.
func (l nodeLook) toldLost(lost []*NodeView) (told int, evidence []string) {
	for _, n := range lost {
		at := slices.IndexFunc(l.alerts[n.Name], func(a AlertView) bool { return a.witnesses(KindZone) })
		if at < 0 {
			continue
		}
		if told++; len(evidence) < maxEvidence {
			evidence = append(evidence, l.alerts[n.Name][at].Evidence)
		}
	}
	return told, evidence
}

// zoneAlerts are the events of the independent alerts that say of a zone, and not of one of its nodes, that it is lost.
func (c *Cluster) zoneAlerts(zone string) []string {
	var found []AlertView
	for _, a := range c.Firing[events.TopicNodeLost] {
		says := a.witnesses(KindZone)
		of := a.Labels.Of("zone") == zone || a.Labels.Of("topology_kubernetes_io_zone") == zone
		if says && of && a.Labels.Of("node") == "" && a.Labels.Of("instance") == "" {
			found = append(found, *a)
		}
	}
	return evidenceOfAlerts(found)
}

// span is the time between two moments as people read it: what took no time took a second.
func span(from, to time.Time) time.Duration { return max(time.Second, to.Sub(from).Round(time.Second)) }

func byFingerprint(a, b AlertView) int { return cmp.Compare(a.Fingerprint, b.Fingerprint) }

// evidenceOfAlerts are the events of alerts, in a stable order.
func evidenceOfAlerts(alerts []AlertView) []string {
	slices.SortFunc(alerts, byFingerprint)
	var out []string
	for _, a := range alerts[:min(len(alerts), maxEvidence)] {
		out = append(out, a.Evidence)
	}
	return out
}
