package classifiers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/events"
)

// Security finds what runtime detection (Falco, posted or as an alert) and audit say that somebody does who should not. What counts
// is the priority that the rule has, never the severity of an alert; of tampering, such as a grant of power, no priority is too low: its
// rules are shipped as warnings. A finding is about one pod, node or user, however many rules match.
type Security struct {
	Window   time.Duration // confirmation window
	Priority string        // the least priority that counts, in Falco's words: "Error"
	For      time.Duration // how long after the last match it is still so
}

// priorities are Falco's, the gravest first.
var priorities = []string{"emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"}

// Priorities are the priorities that rules can have, in Falco's words, the gravest first.
func Priorities() []string { return slices.Clone(priorities) }

// gravity orders priorities, higher being graver; 0 is one that is not known.
func gravity(priority string) int {
	rank := slices.Index(priorities, strings.ToLower(priority))
	if rank < 0 {
		return 0
	}
	return len(priorities) - rank
}

// counts says whether a priority is at least as grave as the least that counts. One that is not known does not count.
func (c Security) counts(priority string) bool {
	return gravity(priority) > 0 && gravity(priority) >= gravity(c.Priority)
}

// matters says whether a match of a rule of that priority, which speaks of the topic, counts.
func (c Security) matters(priority string, topic events.Topic) bool {
	return topic == events.TopicTampering || c.counts(priority)
}

// offence is one match of a rule.
type offence struct {
	anchor   Anchor
	scope    Scope
	rule     string
	source   string
	at       time.Time
	evidence string
}

// Classify implements Classifier.
func (c Security) Classify(v *View) []Finding {
	var out []Finding
	for _, cluster := range v.sorted() {
		all := c.detected(v, cluster)
		for _, a := range cluster.alertsOn(KindSecurity, nil, events.TopicRuntime, events.TopicTampering) {
			if c.matters(a.Labels.Of("priority"), a.Topic) {
				all = append(all, alertOffence(a))
			}
		}
		slices.SortStableFunc(all, func(a, b offence) int { return a.at.Compare(b.at) })
		out = append(out, c.findings(cluster, all)...)
	}
	return out
}

func (c Security) detected(v *View, cluster *Cluster) []offence {
	var out []offence
	for _, d := range cluster.Detections {
		if !c.matters(d.Priority, d.Topic) || v.Now.Sub(d.At) > c.For {
			continue
		}
		o := offence{rule: d.Rule, source: "falco", at: d.At, evidence: d.Evidence}
		o.anchor, o.scope = aim(d.field("k8s.ns.name"), d.field("k8s.pod.name"), d.field("ka.user.name"), d.Hostname)
		out = append(out, o)
	}
	return out
}

func alertOffence(a AlertView) offence {
	o := offence{rule: a.Name, source: a.source(), at: a.At, evidence: a.Evidence}
	if rule := a.Labels.Of("rule"); rule != "" {
		o.rule = rule
	}
	o.anchor, o.scope = aim(firstOf(a.Labels, "k8s_ns_name", "namespace"), firstOf(a.Labels, "k8s_pod_name", "pod"), firstOf(a.Labels, "ka_user_name", "user"), firstOf(a.Labels, "hostname", "node"))
	return o
}

// aim is what an offence is about: the pod, or the user of an audit event, or the node, or nothing that is known.
func aim(namespace, pod, user, host string) (Anchor, Scope) {
	switch {
	case pod != "" && pod != "<NA>":
		return Anchor{Kind: "pod", Name: called(namespace, pod)}, Scope{Namespaces: listOf(namespace), Nodes: listOf(host)}
	case user != "" && user != "<NA>":
		return Anchor{Kind: "user", Name: called("", user)}, Scope{Namespaces: listOf(namespace)}
	case host != "":
		return Anchor{Kind: "node", Name: called("", host)}, Scope{Nodes: listOf(host)}
	}
	return Anchor{Kind: AnchorCluster, Name: "unknown"}, Scope{}
}

// findings are one for each thing that offences are about.
func (c Security) findings(cluster *Cluster, all []offence) []Finding {
	of := map[string][]offence{}
	for _, o := range all {
		of[o.anchor.String()] = append(of[o.anchor.String()], o)
	}
	var out []Finding
	for _, key := range sortedKeys(of) {
		out = append(out, Finding{Window: c.Window, Fault: offend(cluster, of[key])})
	}
	return out
}

func offend(cluster *Cluster, all []offence) Fault {
	first := all[0]
	f := Fault{Kind: KindSecurity, Cluster: cluster.Name, Anchor: first.anchor, Scope: first.scope, Since: first.at}
	var rules []string
	sources := map[string]int{}
	for _, o := range all {
		rules = append(rules, o.rule)
		sources[o.source]++
		if len(f.Evidence) < maxEvidence {
			f.Evidence = append(f.Evidence, o.evidence)
		}
	}
	for _, source := range sortedKeys(sources) {
		f.Signals = append(f.Signals, Signal{Name: "detection", Source: source, Asked: true, Agrees: true, Detail: fmt.Sprintf("%d matches", sources[source])})
	}
	f.Sentence = fmt.Sprintf("%s: %s", first.anchor, listed(rules, "rules"))
	return f
}
