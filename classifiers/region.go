package classifiers

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/salvor-io/salvor/events"
)

// The targets of probes.
const (
	targetAPIServer = "apiserver"
	targetEtcd      = "etcd"
)

// Region finds clusters whose control plane cannot be reached: by most of the witnesses that are known, and by a second signal that
// is not one of them. That Salvor alone cannot reach it, or that a heartbeat is missing, says that Salvor is blind.
type Region struct {
	Window time.Duration     // confirmation window
	Of     map[string]string // region by name of the cluster; where it says nothing the nodes do
}

// Classify implements Classifier.
func (c Region) Classify(v *View) []Finding {
	var out []Finding
	for _, cluster := range v.sorted() {
		witnesses := pollOf(v, cluster, targetAPIServer, true)
		if !witnesses.most() {
			continue
		}
		own := pollOf(v, cluster, targetAPIServer, false)
		second := seconds(cluster, own)
		if len(own.down) < own.half() || len(second) == 0 {
			continue // Salvor itself reaches it, or nobody else says so
		}
		out = append(out, c.finding(cluster, witnesses, second))
	}
	return out
}

func (c Region) finding(cluster *Cluster, witnesses poll, second []secondSignal) Finding {
	region := c.regionOf(cluster)
	f := Fault{Kind: KindRegion, Cluster: cluster.Name, Anchor: Anchor{Kind: "region", Name: region, UID: cluster.Name}, Scope: Scope{Regions: []string{region}},
		Since: witnesses.since(), Evidence: witnesses.evidence(), Signals: []Signal{witnesses.signal("witnesses", SourceWitnesses)}}
	began := second[0].since
	for _, s := range second {
		f.Signals, f.Evidence = append(f.Signals, s.Signal), append(f.Evidence, s.evidence...)
		if s.since.Before(began) {
			began = s.since
		}
	}
	if began.After(f.Since) {
		f.Since = began
	}
	f.Sentence = fmt.Sprintf("the control plane of %s in %s cannot be reached: %s, %s", cluster.Name, region, f.Signals[0].Detail, f.Signals[1].Detail)
	return Finding{Fault: f, Window: c.Window}
}

// regionOf is the configured region of a cluster, or that of most of its nodes, or the cluster's own name.
func (c Region) regionOf(cluster *Cluster) string {
	if name := c.Of[cluster.Name]; name != "" {
		return name
	}
	counts, best := map[string]int{}, ""
	for _, n := range cluster.Nodes {
		if !n.Gone {
			counts[n.Region]++
		}
	}
	for _, name := range sortedKeys(counts) {
		if name != "" && (best == "" || counts[name] > counts[best]) {
			best = name
		}
	}
	if best == "" {
		return cluster.Name
	}
	return best
}

// poll is what the probers of one target say now. A witness that was not heard of lately is known and says nothing; a replica of
// Salvor that was not is no more.
type poll struct {
	now       time.Time
	known, up int
	down      []ProbeView // in the order in which they lost it
}

func pollOf(v *View, c *Cluster, target string, witnesses bool) poll {
	out := poll{now: v.Now}
	for _, p := range c.Probes { // in no order: it is asked at each pass
		if p.Target != target || p.Witness != witnesses {
			continue
		}
		silent := v.Now.Sub(p.At) > blindAfter
		if !silent || witnesses {
			out.known++
		}
		switch {
		case silent:
		case p.Up:
			out.up++
		default:
			out.down = append(out.down, p)
		}
	}
	slices.SortFunc(out.down, func(a, b ProbeView) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.By, b.By)) })
	return out
}

// needed is how many of those known are more than half.
func (p poll) needed() int { return p.known/2 + 1 }

// most says that more than half of those known say that it is down.
func (p poll) most() bool { return len(p.down) >= p.needed() }

// half is how many of those that say something are at least half: when fewer say that it is down, it is reached.
func (p poll) half() int { return (p.up + len(p.down) + 1) / 2 }

// well says that more than half of those known say that it is up.
func (p poll) well() bool { return 2*p.up > p.known }

// since is when it became most.
func (p poll) since() time.Time { return p.down[p.needed()-1].Since }

func (p poll) evidence() []string {
	var out []string
	for _, v := range p.down[:min(len(p.down), maxEvidence)] {
		out = append(out, v.Evidence)
	}
	return out
}

func (p poll) signal(name, source string) Signal {
	who := "of Salvor's replicas"
	if source == SourceWitnesses {
		who = "witnesses"
	}
	s := Signal{Name: name, Source: source, Asked: p.known > 0, Agrees: p.most(), Detail: fmt.Sprintf("%d of %d %s cannot reach it", len(p.down), p.known, who)}
	if len(p.down) > 0 && p.down[0].Reason != "" {
		s.Detail += fmt.Sprintf(" (%s)", p.down[0].Reason)
	}
	return s
}

// secondSignal is a signal beside the witnesses.
type secondSignal struct {
	Signal
	since    time.Time
	evidence []string
}

// seconds are the signals beside the witnesses that agree: Salvor's own probes, and alerts that have their facts from elsewhere and
// whose monitoring is heard.
func seconds(c *Cluster, own poll) []secondSignal {
	var out []secondSignal
	if own.most() {
		out = append(out, secondSignal{own.signal("probe", SourceSalvor), own.since(), own.evidence()})
	}
	alerts := c.alertsOn(KindRegion, func(a AlertView) bool { return a.witnesses(KindRegion) }, events.TopicControlPlane)
	if len(alerts) > 0 && !c.Deaf(own.now) {
		first := slices.MinFunc(alerts, func(a, b AlertView) int { return a.At.Compare(b.At) })
		out = append(out, secondSignal{Signal{Name: "alerts", Source: SourceAlerts, Asked: true, Agrees: true, Detail: first.Name + " is firing"}, first.At, evidenceOfAlerts(alerts)})
	}
	return out
}

// alertsOn are the alerts that fire about one of the topics and may raise faults of the kind, in a stable order.
func (c *Cluster) alertsOn(kind Kind, also func(AlertView) bool, topics ...events.Topic) []AlertView {
	var out []AlertView
	for _, topic := range topics {
		for _, a := range c.Firing[topic] {
			if a.mayRaise(kind) && (also == nil || also(*a)) {
				out = append(out, *a)
			}
		}
	}
	slices.SortFunc(out, byFingerprint)
	return out
}
