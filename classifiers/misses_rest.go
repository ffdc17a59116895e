package classifiers

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Misses says of the deletions, the backups and the etcd of the cluster how near they are to a fault, where there is something to say.
func (c Data) Misses(v *View, cluster *Cluster, f *Fault) []Miss {
	out := c.fewDeletions(cluster, f)
	if f.Kind == KindData {
		out = append(out, c.mostOverdue(v, cluster)...)
	}
	if f.Kind == KindRegion || f.Anchor.Kind == anchorEtcd {
		out = append(out, fewProbes(v, cluster)...)
	}
	return out
}

// fewDeletions are the deletions that are too few: of namespaces, and in the namespaces of the fault, or in all, those that come
// nearest.
func (c Data) fewDeletions(cluster *Cluster, f *Fault) []Miss {
	d := c.Deletions
	namespaces, inside := c.deletions(cluster)
	_, rest := d.part(cluster.Name, namespaces)
	out := d.few(rest, d.Namespaces, "namespaces", cluster.Name)
	var near []Miss
	for _, name := range sortedKeys(inside) {
		if len(f.Scope.Namespaces) > 0 && !slices.Contains(f.Scope.Namespaces, name) || d.burst(claims(inside[name]), d.Claims) != nil {
			continue
		}
		near = append(near, d.few(claims(inside[name]), d.Claims, "volume claims", name)...)
		near = append(near, d.few(inside[name], d.Objects, "objects", name)...)
	}
	if len(near) > 0 {
		out = append(out, slices.MaxFunc(near, nearly))
	}
	return out
}

// few is the longest run of deletions that are not made good, when there is no burst.
func (d Deletions) few(all []Deletion, least int, what, of string) []Miss {
	run := d.run(lost(all))
	if len(run) == 0 || least <= 0 || d.burst(all, least) != nil {
		return nil
	}
	return []Miss{miss("data.deletions", len(run), least, what, "%s of %s deleted within %s, %d would count", numbered(len(run), what), named(of), rounded(d.Within), least)}
}

// mostOverdue is the schedule whose backup is the latest of those that may still come.
func (c Data) mostOverdue(v *View, cluster *Cluster) []Miss {
	var most *ObjectView
	for _, key := range sortedKeys(cluster.Objects) {
		s := cluster.Objects[key]
		if s.Gone || s.Kind != kindSchedule || s.overdue(v, cluster) <= 0 || s.overdue(v, cluster) > c.Late {
			continue
		}
		if most == nil || s.overdue(v, cluster) > most.overdue(v, cluster) {
			most = s
		}
	}
	if most == nil {
		return nil
	}
	late := most.overdue(v, cluster)
	return []Miss{lapse("data.backup", late, c.Late, "the backup of schedule %s is %s late, more than %s would count", named(most.Name), rounded(late.Round(time.Minute)), rounded(c.Late))}
}

// fewProbes are those who cannot reach etcd and are too few.
func fewProbes(v *View, cluster *Cluster) []Miss {
	var out []Miss
	for _, witnesses := range []bool{true, false} {
		p, who := pollOf(v, cluster, targetEtcd, witnesses), "of Salvor's replicas"
		if witnesses {
			who = "witnesses"
		}
		if len(p.down) > 0 && !p.most() {
			out = append(out, miss("data.etcd", len(p.down), p.needed(), "probers", "%d of %d %s cannot reach etcd of %s, %d would be needed",
				len(p.down), p.known, who, named(cluster.Name), p.needed()))
		}
	}
	return out
}

// Misses says of the workloads that are broken why no change explains them, and of a fault of the control plane whether a certificate
// may. Of a workload that a change broke it says which other causes were weighed.
func (c Config) Misses(v *View, cluster *Cluster, f *Fault) []Miss {
	look := newTroubles(v, cluster)
	if f.Kind == KindConfig {
		return c.weighed(v, look, f)
	}
	var out []Miss
	more := 0
	for _, key := range sortedKeys(cluster.Workloads) {
		w := cluster.Workloads[key]
		if len(f.Scope.Namespaces) > 0 && !slices.Contains(f.Scope.Namespaces, w.Namespace) {
			continue
		}
		if m, ok := c.unchanged(look, w); ok {
			out, more = append(out, m), more+1
		}
	}
	if len(out) > 1 {
		out = out[:1]
		out[0].Text = cut(fmt.Sprintf("%s; %s more", out[0].Text, numbered(more-1, "workloads")), maxText)
	}
	if f.Kind == KindRegion {
		out = append(out, c.lasting(v, cluster)...)
	}
	return out
}

// unchanged says of a workload that is broken without a change when the last one was.
func (c Config) unchanged(look troubles, w *WorkloadView) (Miss, bool) {
	if w.Gone || w.SickAt.IsZero() {
		return Miss{}, false
	}
	_, began, sick := look.of(w)
	if _, explained := look.cluster.cause(w, began, c.Recent); !sick || explained {
		return Miss{}, false
	}
	what := strings.ToLower(w.Kind) + " " + cut(w.Namespace+"/"+w.Name, 2*maxNamed)
	old, ok := last(look.cluster.changes(w, began))
	if !ok {
		return miss("config.change", 0, 1, "changes", "%s is broken, but nothing it depends on changed within %s before", what, rounded(c.Recent)), true
	}
	return c.tooOld(what+" is broken, but ", w, old), true
}

func (c Config) tooOld(what string, w *WorkloadView, old cause) Miss {
	return lapse("config.change", old.age(w), c.Recent, "%s%s changed %s before, at most %s would count", what, cut(old.what, maxNamed), rounded(old.age(w)), rounded(c.Recent))
}

// weighed are the other causes of what is wrong with the workload of a fault: the nodes of its pods, and older changes.
func (c Config) weighed(v *View, look troubles, f *Fault) []Miss {
	var out []Miss
	for _, key := range f.Scope.Objects {
		w, ok := look.cluster.Workloads[key]
		if !ok || w.Gone {
			continue
		}
		if m, ok := c.unchanged(look, w); ok {
			out = append(out, m)
		}
		out = append(out, look.onNodes(v, w)...)
		_, began, _ := look.of(w)
		if _, found := look.cluster.cause(w, began, c.Recent); !found {
			continue
		}
		young := func(one cause) bool { return one.age(w) <= c.Recent }
		if old, ok := last(slices.DeleteFunc(look.cluster.changes(w, began), young)); ok {
			out = append(out, c.tooOld("", w, old))
		}
	}
	return out
}

// onNodes says how many pods in trouble of a workload have it from their node, when those are not all.
func (t troubles) onNodes(v *View, w *WorkloadView) []Miss {
	all, excused := 0, 0
	for _, p := range t.cluster.Pods {
		if p.Troubled() && p.Namespace == w.Namespace && p.Owner.Kind == w.Kind && p.Owner.Name == w.Name {
			all++
			if t.cluster.excuses(v.Now, p) {
				excused++
			}
		}
	}
	if excused == all {
		return nil
	}
	return []Miss{miss("node", excused, all, "pods", "%d of %d of its pods in trouble are on a node that is lost or has just come back, all would be the node's", excused, all)}
}

// lasting says how long the certificate of the API server still holds.
func (c Config) lasting(v *View, cluster *Cluster) []Miss {
	p, ok := v.soonest(cluster)[targetAPIServer]
	left := p.Expires.Sub(v.Now)
	if !ok || left <= c.Expires {
		return nil
	}
	return []Miss{lapse("config.certificate", left, c.Expires, "the certificate of the API server ends in %s, %s left would count", days(left), days(c.Expires))}
}

// Misses says which detections about what the fault is about are not grave enough.
func (c Security) Misses(v *View, cluster *Cluster, f *Fault) []Miss {
	count, gravest := 0, ""
	for _, d := range cluster.Detections {
		if v.Now.Sub(d.At) > c.For || c.matters(d.Priority, d.Topic) || !d.about(f) {
			continue
		}
		if count++; gravity(d.Priority) > gravity(gravest) || gravest == "" {
			gravest = d.Priority
		}
	}
	if count == 0 {
		return nil
	}
	return []Miss{miss("security.priority", gravity(gravest), gravity(c.Priority), "gravity", "%s within %s, the gravest of priority %s, %s would count",
		numbered(count, "detections"), rounded(c.For), named(gravest), named(c.Priority))}
}

// about says whether the detection is about something the fault reaches.
func (d Detection) about(f *Fault) bool {
	anchor, scope := aim(d.field("k8s.ns.name"), d.field("k8s.pod.name"), d.field("ka.user.name"), d.Hostname)
	if f.Kind == KindSecurity {
		return anchor == f.Anchor
	}
	within := func(mine []string) func(string) bool {
		return func(name string) bool { return slices.Contains(mine, name) }
	}
	return slices.ContainsFunc(scope.Nodes, within(f.Scope.Nodes)) || slices.ContainsFunc(scope.Namespaces, within(f.Scope.Namespaces))
}

// nearly is which of two counts is nearer to what was needed of it.
func nearly(a, b Miss) int { return cmp.Compare(a.Have*b.Need, b.Have*a.Need) }
