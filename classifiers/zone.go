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
	all := look.lost()
	if len(all) == 0 {
		return nil
	}
	lost, nodes := map[string][]*NodeView{}, look.cluster.perZone()
	for _, n := range all {
		lost[n.Zone] = append(lost[n.Zone], n)
	}
	for _, name := range sortedKeys(lost) {
		if finding, ok := c.judge(look, name, lost, nodes); ok && name != "" {
			out = append(out, finding)
		}
	}
	return out
}

// leastOfZone is how many nodes of so many are most of a zone: more than half, and more than one.
func leastOfZone(nodes int) int { return max(2, nodes/2+1) }

func (c Zone) judge(look nodeLook, name string, lost map[string][]*NodeView, nodes map[string]int) (Finding, bool) {
	mine, least := together(lost[name], c.Within), leastOfZone(nodes[name])
	if len(mine) < least {
		return Finding{}, false
	}
	others, othersLost := c.others(name, mine, nodes, lost)
	if others == 0 || othersLost > max(1, others/10) || othersLost >= others {
		return Finding{}, false
	}
	took := span(mine[0].LostAt, mine[len(mine)-1].LostAt)
	f := Fault{
		Kind: KindZone, Cluster: look.cluster.Name, Anchor: Anchor{Kind: "zone", Name: name}, Scope: scopeOf(mine),
		Since: mine[least-1].LostAt, Evidence: evidenceOf(mine),
		Signals: []Signal{{Name: "nodes", Source: SourceAPIServer, Asked: true, Agrees: true,
			Detail: fmt.Sprintf("%d of %d lost within %s, of other zones %d of %d", len(mine), nodes[name], took, othersLost, others)}},
	}
	alerts, evidence := look.alertsOfZone(name, mine)
	f.Signals, f.Evidence = append(f.Signals, alerts), append(f.Evidence, evidence...)
	f.Sentence = fmt.Sprintf("zone %s is lost: %d of its %d nodes within %s", name, len(mine), nodes[name], took)
	if away := look.lostElsewhere(name); away > 0 {
		f.Sentence += fmt.Sprintf("; %d nodes of other zones are away for longer", away)
	} else {
		f.Sentence += ", while other zones are well"
	}
	if f.SingleSourced() {
		f.Sentence += onlyAPIServer
	}
	return Finding{Fault: f, Window: c.Window + returns(f.Since, look.cluster.backSince(look.view.Now.Add(-c.Window)), c.Within)}, true
}

// others counts the nodes of the other zones, and those of them that were lost about when mine were. A node without a zone is of
// another one.
func (c Zone) others(name string, mine []*NodeView, nodes map[string]int, lost map[string][]*NodeView) (all, gone int) {
	for zone, n := range nodes {
		if zone != name {
			all += n
		}
	}
	first, last := mine[0].LostAt.Add(-c.Within), mine[len(mine)-1].LostAt.Add(c.Within)
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
	for _, node := range l.broken() {
		if node.Zone != zone {
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
	told := 0
	var evidence []string
	for _, n := range lost {
		at := slices.IndexFunc(l.alerts[n.Name], func(a AlertView) bool { return a.Independent && a.mayRaise(KindZone) })
		if at < 0 {
			continue
		}
		if told++; len(evidence) < maxEvidence {
			evidence = append(evidence, l.alerts[n.Name][at].Evidence)
		}
	}
	agrees := told > 0 && 2*told >= len(lost)
	s := Signal{Name: "alerts", Source: SourceAlerts, Asked: agrees, Agrees: agrees, Detail: fmt.Sprintf("they speak of %d of the %d lost nodes", told, len(lost))}
	if !agrees {
		return s, nil
	}
	return s, evidence
}

// zoneAlerts are the events of the independent alerts that say of a zone, and not of one of its nodes, that it is lost.
func (c *Cluster) zoneAlerts(zone string) []string {
	var found []AlertView
	for _, a := range c.Firing[events.TopicNodeLost] {
		says := a.Independent && a.mayRaise(KindZone)
		of := a.Labels["zone"] == zone || a.Labels["topology_kubernetes_io_zone"] == zone
		if says && of && a.Labels["node"] == "" && a.Labels["instance"] == "" {
			found = append(found, a)
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
