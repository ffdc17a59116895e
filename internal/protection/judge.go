package protection

import (
	"path"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/responders/point"
)

// Judge says how the promises stand in the cluster of a census, and how it stands with the namespaces of which nothing was promised. It
// follows from the two alone.
func Judge(promises Promises, census *Census) Report {
	j := judgeOf(census)
	r := Report{Cluster: census.Cluster, At: census.At, Standings: []Standing{}, Unread: append([]Unread{}, census.Unread...), Notes: j.notes(), LeftOut: []string{}}
	taken := map[string]bool{}
	for _, p := range promises {
		if !p.in(census.Cluster) {
			continue
		}
		names := j.namespacesOf(p)
		r.Standings = append(r.Standings, j.promised(p, names)...)
		for _, name := range names {
			taken[name] = true
		}
	}
	for _, name := range j.working() {
		switch {
		case taken[name]:
		case ofKubernetes(name) || j.ofVelero(name):
			r.LeftOut = append(r.LeftOut, name)
		default:
			r.Standings = append(r.Standings, j.standing(Promise{}, name))
		}
	}
	r.close()
	return r
}

// judge judges by one census.
type judge struct {
	*Census
	contents map[string]content        // by backup, as far as they are worked out
	about    map[string][]point.Backup // by namespace, as far as they are worked out
	scopes   []string                  // of each backup: the namespaces that it was told to take
}

func judgeOf(census *Census) *judge {
	j := &judge{Census: census, contents: map[string]content{}, about: map[string][]point.Backup{}}
	for _, b := range census.Backups {
		j.scopes = append(j.scopes, strings.Join(b.Scope.Namespaces, ",")+" without "+strings.Join(b.Scope.NotNamespaces, ","))
	}
	return j
}

// in says whether a promise is about a cluster. A cluster without a name is any.
func (p Promise) in(cluster string) bool {
	return len(p.Clusters) == 0 || cluster == "" || slices.Contains(p.Clusters, cluster)
}

// promised is how it stands with one promise: in each of its namespaces, and in the cluster where it is about that.
func (j *judge) promised(p Promise, names []string) []Standing {
	var out []Standing
	ofCluster := func(b Backup) bool { return b.Of == ClusterData }
	inside := slices.ContainsFunc(p.Wanted(), func(b Backup) bool { return !ofCluster(b) })
	for _, name := range names {
		if inside {
			out = append(out, j.standing(p, name))
		}
	}
	if len(names) == 0 && inside {
		out = append(out, j.nowhere(p))
	}
	if slices.ContainsFunc(p.Wanted(), ofCluster) {
		out = append(out, j.standing(p, ""))
	}
	return out
}

// nowhere is a promise about namespaces that there are not.
func (j *judge) nowhere(p Promise) Standing {
	s := about(p, strings.Join(p.Namespaces, ", "))
	why := "no namespace of this cluster is one of these: the promise is about nothing here"
	if u, not := j.unread(SourceNamespaces); not {
		why = u.Why
	}
	s.Backups = []Held{{Of: Configuration, By: Snapshot, RPOS: p.RPO.Seconds(), Missing: []string{why}}}
	return s
}

func about(p Promise, namespace string) Standing {
	return Standing{Application: p.Name, Namespace: namespace, Level: p.Level, Strategy: p.Way(), RPOS: p.RPO.Seconds(), RTOS: p.RTO.Seconds()}
}

// namespacesOf are the namespaces that a promise is about, sorted. One that is named in full is among them though it is not there: a
// namespace that was deleted is what backups are for.
func (j *judge) namespacesOf(p Promise) []string {
	var out []string
	there := map[string]bool{}
	for _, ns := range j.Namespaces {
		there[ns.Name] = true
		if len(p.among([]string{ns.Name})) > 0 && p.Selector.pick(ns.Labels) {
			out = append(out, ns.Name)
		}
	}
	for _, pattern := range p.Namespaces {
		if !strings.ContainsAny(pattern, `*?[\`) && !there[pattern] && len(p.Selector) == 0 {
			out = append(out, pattern)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// working are the namespaces in which something runs or is stored, sorted.
func (j *judge) working() []string {
	var out []string
	for _, w := range j.Workloads {
		out = append(out, w.Namespace)
	}
	for _, c := range j.Claims {
		out = append(out, c.Namespace)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ofKubernetes says that a namespace comes with the cluster, and comes back with it.
func ofKubernetes(name string) bool { ok, _ := path.Match("kube-*", name); return ok }

// ofVelero says that Velero is in a namespace: it keeps nothing there but what it finds in the storage locations again.
func (j *judge) ofVelero(name string) bool {
	return slices.ContainsFunc(j.Locations, func(l Location) bool { return l.Namespace == name })
}

// standing is how it stands with one namespace: by the promise, or with the zero promise, by what there is. An empty name is the cluster.
func (j *judge) standing(p Promise, namespace string) Standing {
	s := about(p, namespace)
	var states []State
	for _, want := range p.Wanted() {
		if (want.Of == ClusterData) != (namespace == "") {
			continue
		}
		h := j.held(p, want, namespace)
		h.Of, h.By, h.RPOS = want.Of, want.By, want.RPO.Seconds()
		j.age(p, want, &h)
		s.Backups = append(s.Backups, h)
		states = append(states, h.State)
	}
	s.State = worst(states...)
	if s.Point = oldest(s.Backups); s.Point != nil {
		s.AgeS, s.Loss = j.At.Sub(s.Point.At).Seconds(), point.Loss(s.Point.At, j.At)
	}
	s.Notes = j.notesOn(p, namespace)
	return s
}

// held looks at one backup. What it leaves Unknown, with a point, is judged by the age of that.
func (j *judge) held(p Promise, want Backup, namespace string) Held {
	switch {
	case want.Lag != "" || want.By == Copy:
		return j.lagging(want)
	case want.Of == ClusterData && want.By == Snapshot:
		return j.etcd()
	case want.Of == ApplicationData && want.By == Snapshot:
		return j.volumes(p, want, namespace)
	case want.Of == Configuration && want.By == Snapshot:
		return j.objects(p, namespace)
	case want.Of == Configuration && want.By == Git:
		return j.delivered(namespace)
	}
	return Held{Missing: []string{"nothing in a cluster tells of it: name a query that does (lag in salvor.yaml)"}}
}

// age holds the point of a backup against what was promised.
func (j *judge) age(p Promise, want Backup, h *Held) {
	if h.Point == nil {
		if h.None {
			h.State = unpromised(p, Kept)
		}
		return
	}
	age := j.At.Sub(h.Point.At)
	h.AgeS = age.Seconds()
	if want.RPO > 0 && age > want.RPO {
		h.State = Late
		h.Missing = append(h.Missing, "it is "+Span(age)+" old, and "+Span(want.RPO)+" were promised")
		return
	}
	h.State = unpromised(p, Kept)
}

// unpromised is a state, or that nothing was promised.
func unpromised(p Promise, s State) State {
	if p.Name == "" {
		return Unpromised
	}
	return s
}

// oldest is the moment to which all parts could go back: of each part the newest point counts, and of these the oldest. Where a part that
// has to be kept has none, there is none.
func oldest(backups []Held) *Point {
	newest := map[Part]*Point{}
	for _, h := range backups {
		if h.None {
			continue
		}
		if best, known := newest[h.Of]; !known || h.Point != nil && (best == nil || h.Point.At.After(best.At)) {
			newest[h.Of] = h.Point
		}
	}
	var out *Point
	for _, part := range Parts() {
		p, wanted := newest[part]
		switch {
		case !wanted:
		case p == nil:
			return nil
		case out == nil || p.At.Before(out.At):
			out = p
		}
	}
	return out
}
