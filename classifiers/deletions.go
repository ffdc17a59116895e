package classifiers

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// Deletions say what a burst is: so many objects that are gone within a while, in what is protected.
type Deletions struct {
	Within     time.Duration
	Namespaces int      // namespaces of one cluster
	Claims     int      // PersistentVolumeClaims of one namespace
	Objects    int      // objects of any kind of one namespace
	Protected  []string // patterns of the names of namespaces that count (path.Match); none: every one but those of Kubernetes

	// Promised says whether something was promised of a namespace of a cluster: one of these that is gone is a burst by itself, and others are no part
	// of it. It is pure; nil: nothing was promised.
	Promised func(cluster, namespace string) bool
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

// deletions are those in what is protected, in order: of namespaces, and by the namespace they lie in. What was deleted more than once
// counts as it was first deleted since it was last there.
func (c Data) deletions(cluster *Cluster) (namespaces []Deletion, inside map[string][]Deletion) {
	if len(cluster.Deleted) == 0 {
		return nil, nil
	}
	inside = map[string][]Deletion{}
	for _, d := range once(cluster.Deleted) {
		switch {
		case d.Kind == "Namespace" && (c.Deletions.covers(d.Name) || c.Deletions.promised(cluster.Name, d)):
			namespaces = append(namespaces, d)
		case d.Namespace != "" && c.Deletions.covers(d.Namespace):
			inside[d.Namespace] = append(inside[d.Namespace], d)
		}
	}
	return namespaces, inside
}

// bursts finds deletions that came too many at once. A burst ends when all of it is there again, with its data: that fewer than make a
// burst are left is no end. What is made anew without its data stays lost, for as long as deletions are remembered.
func (c Data) bursts(cluster *Cluster) []Finding {
	var out []Finding
	namespaces, inside := c.deletions(cluster)
	if f, found := c.namespaces(cluster, namespaces); found {
		out = append(out, f)
	}
	for _, name := range sortedKeys(inside) {
		out = append(out, c.inside(cluster, name, inside[name])...)
	}
	return out
}

// promised says whether something was promised of a namespace that was deleted.
func (d Deletions) promised(cluster string, one Deletion) bool {
	return d.Promised != nil && d.Promised(cluster, one.Name)
}

// part parts deletions of namespaces into those of which something was promised and the rest.
func (d Deletions) part(cluster string, all []Deletion) (promised, rest []Deletion) {
	for _, one := range all {
		if d.promised(cluster, one) {
			promised = append(promised, one)
		} else {
			rest = append(rest, one)
		}
	}
	return promised, rest
}

// namespaces finds the burst of namespaces: of those of which something was promised one is enough. Of any others that are gone beside them it is
// only said that they are: they are nobody's to bring back.
func (c Data) namespaces(cluster *Cluster, all []Deletion) (Finding, bool) {
	promised, rest := c.Deletions.part(cluster.Name, all)
	beside, least := "", 1
	burst := c.Deletions.burst(promised, least)
	if more := lost(rest); burst != nil && len(more) > 0 {
		beside = "; gone within a day, too, and promised nothing: " + namespacesOf(cluster, more)
	}
	if burst == nil {
		least = c.Deletions.Namespaces
		burst = c.Deletions.burst(rest, least)
	}
	if burst == nil {
		return Finding{}, false
	}
	f := c.deleted(cluster, Anchor{Kind: AnchorCluster, Name: cluster.Name}, burst, least, namespacesOf(cluster, burst)).by(CauseNamespacesDeleted)
	f.Sentence += beside
	return f, true
}

// namespacesOf names a few namespaces that were deleted, or counts many.
func namespacesOf(cluster *Cluster, burst []Deletion) string {
	const most = 3
	if len(burst) > most {
		return fmt.Sprintf("%d namespaces of %s", len(burst), cluster.Name)
	}
	var names []string
	for _, d := range burst {
		names = append(names, named(d.Name))
	}
	what := "namespaces"
	if len(burst) == 1 {
		what = "namespace"
	}
	return fmt.Sprintf("%s %s of %s", what, strings.Join(names, ", "), cluster.Name)
}

// inside finds the burst of one namespace.
func (c Data) inside(cluster *Cluster, name string, all []Deletion) []Finding {
	anchor := Anchor{Kind: anchorNamespace, Name: name}
	if burst := c.Deletions.burst(claims(all), c.Deletions.Claims); burst != nil {
		return []Finding{c.deleted(cluster, anchor, burst, c.Deletions.Claims, numbered(len(burst), "volume claims")+" of namespace "+name).by(CauseClaimsDeleted)}
	}
	if burst := c.Deletions.burst(all, c.Deletions.Objects); burst != nil {
		return []Finding{c.deleted(cluster, anchor, burst, c.Deletions.Objects, numbered(len(burst), "objects")+" of namespace "+name).by(CauseObjectsDeleted)}
	}
	return nil
}

// exists says whether something of the name of what was deleted is there.
func (c *Cluster) exists(d Deletion) bool {
	if w, ok := c.Workloads[d.key()]; ok && !w.Gone {
		return true
	}
	o, ok := c.Objects[d.key()]
	return ok && !o.Gone
}

func (c Data) deleted(cluster *Cluster, anchor Anchor, burst []Deletion, least int, what string) Finding {
	took := span(burst[0].At, burst[len(burst)-1].At)
	when := fmt.Sprintf("within %s", took)
	if slices.ContainsFunc(burst, func(d Deletion) bool { return d.Missed }) {
		when = "while nobody looked"
	}
	were := "were deleted " + when
	if len(burst) == 1 {
		were = "was deleted"
	}
	f := Fault{Kind: KindData, Cluster: cluster.Name, Anchor: anchor, Since: burst[least-1].At, Sentence: what + " " + were,
		Signals: []Signal{{Name: "deletions", Source: SourceAPIServer, Asked: true, Agrees: true,
			Detail: fmt.Sprintf("%d %s, %d of them not there again, %d are enough", len(burst), when, len(lost(burst)), least)}}}
	for _, d := range burst[:min(len(burst), maxEvidence)] {
		f.Evidence = append(f.Evidence, d.Evidence)
	}
	f.Scope = scopeOfLost(burst)
	if who := cluster.deleter(burst); who != "" {
		f.Sentence += " by " + who
	}
	f.Sentence += cluster.since(burst)
	return Finding{Fault: f}
}

// scopeOfLost is what of a burst is not there again: that is what is to be brought back.
func scopeOfLost(burst []Deletion) Scope {
	var scope Scope
	namespaces, left := map[string]bool{}, lost(burst)
	for _, d := range left[:min(len(left), MaxObjects)] {
		namespaces[cmp.Or(d.Namespace, d.Name)] = true
		scope.Objects = append(scope.Objects, d.key())
	}
	scope.Namespaces = sortedKeys(namespaces)
	return scope
}

// since says what of a burst is there again, and that claims which are there without what was lost are empty as far as is known.
func (c *Cluster) since(burst []Deletion) string {
	text, empty := "", 0
	for _, d := range burst {
		if d.BackAt.IsZero() && c.exists(d) {
			empty++
		}
	}
	if back := len(burst) - len(lost(burst)); back > 0 {
		text += fmt.Sprintf("; %d of them there again", back)
	}
	if empty > 0 {
		text += fmt.Sprintf("; %d of them made anew, but empty as far as is known", empty)
	}
	return text
}

// MaxObjects bounds the objects that a scope names: where it names so many, there may be more.
const MaxObjects = 200

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
