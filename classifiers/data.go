package classifiers

import (
	"fmt"
	"time"

	"github.com/salvor-io/salvor/events"
)

// Data finds data that is being lost or is no longer protected: bursts of deletions, volumes in error, an etcd without quorum, out
// of space or corrupt, backups that fail or are late, snapshots that fail, promises that could not be kept now.
type Data struct {
	Window    time.Duration // confirmation window of what may pass by itself: a late backup, etcd without quorum
	Deletions Deletions
	Late      time.Duration // how much later than its schedule says a backup may be
}

// Classify implements Classifier.
func (c Data) Classify(v *View) []Finding {
	var out []Finding
	for _, cluster := range v.sorted() {
		out = append(out, c.bursts(cluster)...)
		out = append(out, c.etcd(v, cluster)...)
		out = append(out, c.storage(cluster)...)
		out = append(out, c.backups(v, cluster)...)
		out = append(out, c.promises(cluster)...)
	}
	return out
}

const anchorEtcd = "etcd"

// etcd finds what is wrong with the store of a cluster itself.
func (c Data) etcd(v *View, cluster *Cluster) []Finding {
	var out []Finding
	for _, trouble := range []struct {
		topic events.Topic
		cause Cause
		what  string
	}{{events.TopicEtcdQuorum, CauseEtcdQuorum, "has no quorum"}, {events.TopicEtcdCorrupt, CauseEtcdCorrupt, "is corrupt: its members differ"},
		{events.TopicEtcdSpace, CauseEtcdSpace, "is nearly out of space"}} {
		f := Fault{Kind: KindData, Cause: trouble.cause, Cluster: cluster.Name, Anchor: Anchor{Kind: anchorEtcd, Name: cluster.Name + "/" + string(trouble.topic)}}
		f.Sentence = fmt.Sprintf("etcd of %s %s", cluster.Name, trouble.what)
		if alerts := cluster.alertsOn(KindData, nil, trouble.topic); len(alerts) > 0 {
			f.says(alerts)
		}
		if trouble.topic == events.TopicEtcdQuorum {
			c.probed(v, cluster, &f)
		}
		if len(f.Signals) > 0 {
			out = append(out, Finding{Fault: f, Window: c.Window})
		}
	}
	return out
}

// probed adds what probes of etcd say when they say that it is down.
func (c Data) probed(v *View, cluster *Cluster, f *Fault) {
	for _, witness := range []bool{false, true} {
		p, others := pollOf(v, cluster, targetEtcd, witness), pollOf(v, cluster, targetEtcd, !witness)
		if !p.most() || others.well() {
			continue // nobody says so, or others reach it
		}
		name, source := "probe", SourceSalvor
		if witness {
			name, source = "witnesses", SourceWitnesses
		}
		f.Signals, f.Evidence = append(f.Signals, p.signal(name, source)), append(f.Evidence, p.evidence()...)
		f.began(p.since())
	}
}

// says adds alerts to the signals of a fault.
func (f *Fault) says(alerts []AlertView) {
	a := alerts[0]
	f.Signals = append(f.Signals, Signal{Name: "alert", Source: a.source(), Asked: true, Agrees: true,
		Detail: fmt.Sprintf("%s is firing since %s", a.Name, a.StartsAt.UTC().Format("15:04:05"))})
	f.Evidence = append(f.Evidence, evidenceOfAlerts(alerts)...)
	for _, a := range alerts {
		f.began(a.At)
	}
}

// began notes that a signal of the fault has said so since then.
func (f *Fault) began(t time.Time) {
	if f.Since.IsZero() || t.Before(f.Since) {
		f.Since = t
	}
}
