package classifiers

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/events"
)

// Data finds data that is being lost or is no longer protected: bursts of deletions, volumes in error, an etcd without quorum, out
// of space or corrupt, backups that fail or are late, snapshots that fail.
type Data struct {
	Window    time.Duration // confirmation window of what may pass by itself: a late backup, etcd without quorum
	Deletions Deletions
	Late      time.Duration // how much later than its schedule says a backup may be
}

// Deletions say what a burst is: so many objects that are gone within a while, in what is protected.
type Deletions struct {
	Within     time.Duration
	Namespaces int      // namespaces of one cluster
	Claims     int      // PersistentVolumeClaims of one namespace
	Objects    int      // objects of any kind of one namespace
	Protected  []string // patterns of the names of namespaces that count (path.Match); none: every one but those of Kubernetes
}

// Classify implements Classifier.
func (c Data) Classify(v *View) []Finding {
	var out []Finding
	for _, cluster := range v.sorted() {
		out = append(out, c.bursts(cluster)...)
		out = append(out, c.etcd(v, cluster)...)
		out = append(out, c.storage(cluster)...)
		out = append(out, c.backups(v, cluster)...)
	}
	return out
}

// covers says whether deletions in a namespace count.
func (d Deletions) covers(namespace string) bool {
	if len(d.Protected) == 0 {
		return namespace != "kube-system" && namespace != "kube-public" && namespace != "kube-node-lease"
	}
	return slices.ContainsFunc(d.Protected, func(pattern string) bool {
		ok, err := path.Match(pattern, namespace)
		return ok && err == nil
	})
}

// deletions are those in what is protected that are not made good since, in order: of namespaces, and by the namespace they lie in.
func (c Data) deletions(cluster *Cluster) (namespaces []Deletion, inside map[string][]Deletion) {
	if len(cluster.Deleted) == 0 {
		return nil, nil
	}
	inside = map[string][]Deletion{}
	seen := map[string]bool{}
	for _, d := range slices.Backward(cluster.Deleted) {
		key := objectKey(d.Kind, d.Namespace, d.Name)
		if seen[key] {
			continue // it was deleted more than once
		}
		seen[key] = true
		switch {
		case cluster.exists(d):
		case d.Kind == "Namespace" && c.Deletions.covers(d.Name):
			namespaces = append(namespaces, d)
		case d.Namespace != "" && c.Deletions.covers(d.Namespace):
			inside[d.Namespace] = append(inside[d.Namespace], d)
		}
	}
	slices.Reverse(namespaces)
	for _, all := range inside {
		slices.Reverse(all)
	}
	return namespaces, inside
}

// bursts finds deletions that come too many at once and are not made good since.
func (c Data) bursts(cluster *Cluster) []Finding {
	var out []Finding
	namespaces, inside := c.deletions(cluster)
	if burst := c.Deletions.run(namespaces); enough(burst, c.Deletions.Namespaces) {
		anchor := Anchor{Kind: AnchorCluster, Name: cluster.Name}
		out = append(out, c.deleted(cluster, anchor, burst, c.Deletions.Namespaces, fmt.Sprintf("%d namespaces of %s", len(burst), cluster.Name)))
	}
	for _, name := range sortedKeys(inside) {
		out = append(out, c.inside(cluster, name, inside[name])...)
	}
	return out
}

// inside finds the burst of one namespace.
func (c Data) inside(cluster *Cluster, name string, all []Deletion) []Finding {
	anchor := Anchor{Kind: "namespace", Name: name}
	if burst := c.Deletions.run(claims(all)); enough(burst, c.Deletions.Claims) {
		return []Finding{c.deleted(cluster, anchor, burst, c.Deletions.Claims, fmt.Sprintf("%d volume claims of namespace %s", len(burst), name))}
	}
	if burst := c.Deletions.run(all); enough(burst, c.Deletions.Objects) {
		return []Finding{c.deleted(cluster, anchor, burst, c.Deletions.Objects, fmt.Sprintf("%d objects of namespace %s", len(burst), name))}
	}
	return nil
}

// claims are those of the deletions that are of volume claims.
func claims(all []Deletion) []Deletion {
	return slices.DeleteFunc(slices.Clone(all), func(d Deletion) bool { return d.Kind != "PersistentVolumeClaim" })
}

// exists says whether what was deleted is there again.
func (c *Cluster) exists(d Deletion) bool {
	key := objectKey(d.Kind, d.Namespace, d.Name)
	if w, ok := c.Workloads[key]; ok && !w.Gone {
		return true
	}
	o, ok := c.Objects[key]
	return ok && !o.Gone
}

// run are the deletions, in order, of the longest run within the while.
func (d Deletions) run(all []Deletion) []Deletion {
	var most []Deletion
	first := 0
	for last := range all {
		for all[last].At.Sub(all[first].At) > d.Within {
			first++
		}
		if last+1-first > len(most) {
			most = all[first : last+1]
		}
	}
	return most
}

// enough says whether a run is a burst; none is when the least is 0.
func enough(run []Deletion, least int) bool { return least > 0 && len(run) >= least }

func (c Data) deleted(cluster *Cluster, anchor Anchor, burst []Deletion, least int, what string) Finding {
	took := span(burst[0].At, burst[len(burst)-1].At)
	when := fmt.Sprintf("within %s", took)
	if slices.ContainsFunc(burst, func(d Deletion) bool { return d.Missed }) {
		when = "while nobody looked"
	}
	f := Fault{Kind: KindData, Cluster: cluster.Name, Anchor: anchor, Since: burst[least-1].At,
		Sentence: fmt.Sprintf("%s were deleted %s", what, when),
		Signals: []Signal{{Name: "deletions", Source: SourceAPIServer, Asked: true, Agrees: true,
			Detail: fmt.Sprintf("%d %s and not there again, %d are enough", len(burst), when, least)}}}
	namespaces := map[string]bool{}
	for _, d := range burst[:min(len(burst), maxObjects)] {
		namespaces[cmp.Or(d.Namespace, d.Name)] = true
		f.Scope.Objects = append(f.Scope.Objects, objectKey(d.Kind, d.Namespace, d.Name))
		if len(f.Evidence) < maxEvidence {
			f.Evidence = append(f.Evidence, d.Evidence)
		}
	}
	f.Scope.Namespaces = sortedKeys(namespaces)
	if who := cluster.deleter(burst); who != "" {
		f.Sentence += " by " + who
	}
	return Finding{Fault: f}
}

// maxObjects bounds the objects that a scope names.
const maxObjects = 200

// deleter is who deleted something of a burst, as Falco's audit events tell; empty when they do not.
func (c *Cluster) deleter(burst []Deletion) string {
	for _, d := range slices.Backward(c.Detections) {
		if d.field("ka.verb") != "delete" && d.field("ka.verb") != "deletecollection" {
			continue
		}
		about := func(b Deletion) bool {
			return d.field("ka.target.namespace") == b.Namespace && (d.field("ka.target.name") == b.Name || d.field("ka.target.name") == "") ||
				b.Kind == "Namespace" && d.field("ka.target.name") == b.Name
		}
		if slices.ContainsFunc(burst, about) {
			return d.field("ka.user.name")
		}
	}
	return ""
}

// field is a field of the detection as text, at most 256 bytes.
func (d Detection) field(name string) string {
	text, _ := d.Fields[name].(string)
	return strings.ToValidUTF8(text[:min(len(text), 256)], "")
}

const anchorEtcd = "etcd"

// etcd finds what is wrong with the store of a cluster itself.
func (c Data) etcd(v *View, cluster *Cluster) []Finding {
	var out []Finding
	for _, trouble := range []struct {
		topic events.Topic
		what  string
	}{{events.TopicEtcdQuorum, "has no quorum"}, {events.TopicEtcdCorrupt, "is corrupt: its members differ"}, {events.TopicEtcdSpace, "is nearly out of space"}} {
		f := Fault{Kind: KindData, Cluster: cluster.Name, Anchor: Anchor{Kind: anchorEtcd, Name: cluster.Name + "/" + string(trouble.topic)}}
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
