package classifiers

import (
	"fmt"
	"slices"
	"strings"
)

// ReadAnchor reads how people name what a fault of a kind is tied to: "worker-7" of a node, "eu-west-1b" of a zone, nothing or the
// name of a region, "shop" of the data of a namespace, "Deployment/shop/web" of a configuration, "Pod/shop/web-1" or "Node/worker-7" of
// security. The kind before a name may be left out where there is only one. The anchor has no UID: what there is gives it.
func ReadAnchor(kind Kind, name string) (Anchor, error) {
	forms, known := anchorForms[kind]
	if !known {
		return Anchor{}, fmt.Errorf("no kind of fault is named %q, they are %v", kind, Kinds())
	}
	for _, form := range forms {
		rest, prefixed := cutFold(name, form.kind+"/")
		named := strings.Count(rest, "/") == form.depth && !slices.Contains(strings.Split(rest, "/"), "")
		if (prefixed || len(forms) == 1) && (named || kind == KindRegion && name == "") {
			return Anchor{Kind: form.kind, Name: rest}, nil
		}
	}
	return Anchor{}, fmt.Errorf("%q names no %s fault, want one such as %s", name, kind, forms[0].example)
}

// anchorForm is one way to name what a fault is tied to.
type anchorForm struct {
	kind    string
	depth   int // slashes in the name
	example string
}

var anchorForms = map[Kind][]anchorForm{
	KindNode:     {{"node", 0, "worker-7"}},
	KindZone:     {{"zone", 0, "eu-west-1b"}},
	KindRegion:   {{"region", 0, "eu-west-1"}},
	KindData:     {{"namespace", 0, "shop"}},
	KindConfig:   {{"deployment", 1, "Deployment/shop/web"}, {"statefulset", 1, ""}, {"daemonset", 1, ""}},
	KindSecurity: {{"pod", 1, "Pod/shop/web-1 or Node/worker-7"}, {"node", 0, ""}},
}

// cutFold cuts a prefix off, whatever its case.
func cutFold(text, prefix string) (string, bool) {
	if len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix) {
		return text[len(prefix):], true
	}
	return text, false
}

// UnknownError says that what is declared does not exist as far as the view knows.
type UnknownError struct {
	What  string   // "zone eu-west-1x of prod"
	There []string // the names that there are, a few of them
	More  int      // how many names were left out
}

// Error names what there is.
func (e *UnknownError) Error() string {
	text := "there is no " + e.What + " as far as Salvor knows"
	if len(e.There) > 0 {
		text += "; there are " + strings.Join(e.There, ", ")
	}
	if e.More > 0 {
		text += fmt.Sprintf(" and %d more", e.More)
	}
	return text
}

// Find is what a fault of a kind that people name would be tied to, and the UID of that where it is an object. What does not exist is
// an UnknownError.
func (c Declared) Find(v *View, cluster string, kind Kind, a Anchor) (Anchor, string, error) {
	known, ok := v.Clusters[cluster]
	if !ok {
		known = &Cluster{Name: cluster}
	}
	f := Fault{Kind: kind, Cluster: cluster, Anchor: a}
	uid, there := c.extend(lookAtNodes(v, known), &f, "")
	if there && (kind != KindRegion || a.Name == "" || a.Name == f.Anchor.Name) {
		return f.Anchor, uid, nil
	}
	what, names := a, c.names(known, a.Kind)
	if namespace, _, _ := strings.Cut(a.Name, "/"); a.Kind == "pod" {
		what = Anchor{Kind: "namespace", Name: namespace}
	}
	const most = 8
	few := names[:min(most, len(names))]
	return Anchor{}, "", &UnknownError{What: fmt.Sprintf("%s %s of %s", what.Kind, what.Name, cluster), There: few, More: len(names) - len(few)}
}

// names are what may be named of a kind of anchor, sorted.
func (c Declared) names(cluster *Cluster, anchor string) []string {
	var out []string
	switch anchor {
	case "node":
		for _, n := range cluster.Living() {
			out = append(out, n.Name)
		}
	case "zone":
		out = slices.DeleteFunc(sortedKeys(cluster.perZone()), func(zone string) bool { return zone == "" })
	case "region":
		out = []string{c.Region.regionOf(cluster)}
	case "namespace", "pod":
		for _, key := range sortedKeys(cluster.Objects) {
			if o := cluster.Objects[key]; o.Kind == "Namespace" && !o.Gone {
				out = append(out, o.Name)
			}
		}
	default:
		for _, key := range sortedKeys(cluster.Workloads) {
			if w := cluster.Workloads[key]; !w.Gone && w.Kind == workloadKinds[anchor] {
				out = append(out, key)
			}
		}
	}
	return out
}
