package classifiers

import (
	"fmt"
	"slices"
	"strings"
)

// extend fills in how far a declared fault reaches and what the other signals say of it, and ties it to what the classifier of its
// kind would. It returns the UID of the object that it is tied to, where it is one; it says no when that is not there, or has another
// UID than the one given.
func (c Declared) extend(l nodeLook, f *Fault, uid string) (string, bool) {
	switch f.Anchor.Kind {
	case "node":
		return l.extendNode(f, uid)
	case "zone":
		return "", l.extendZone(f)
	case "region":
		c.extendRegion(l, f)
		return "", true
	case "namespace":
		return "", l.extendNamespace(f)
	case "pod":
		return "", l.extendPod(f)
	}
	return l.extendWorkload(f, uid)
}

func (l nodeLook) extendNode(f *Fault, uid string) (string, bool) {
	n, ok := l.cluster.Nodes[f.Anchor.Name]
	if !ok || n.Gone || uid != "" && uid != n.UID {
		return "", false
	}
	if f.Kind == KindSecurity { // whatever its kubelet says; see aim
		f.Scope = Scope{Nodes: []string{n.Name}}
		f.Signals = []Signal{l.detections(f.Anchor)}
		return n.UID, true
	}
	judged := Node{}.judge(l, n)
	f.Anchor, f.Scope, f.Signals = judged.Anchor, judged.Scope, judged.Signals
	return n.UID, true
}

func (l nodeLook) extendZone(f *Fault) bool {
	zone, regions, all := f.Anchor.Name, map[string]bool{}, 0
	for _, n := range l.cluster.Nodes {
		if zone != "" && n.Zone == zone && !n.Gone {
			all++
			regions[n.Region] = true
		}
	}
	if all == 0 {
		return false
	}
	lost := slices.DeleteFunc(l.lost(), func(n *NodeView) bool { return n.Zone != zone })
	f.Scope = scopeOf(lost)
	f.Scope.Zones = []string{zone}
	f.Scope.Regions = slices.DeleteFunc(sortedKeys(regions), func(name string) bool { return name == "" })
	alerts, evidence := l.alertsOfZone(zone, lost)
	f.Signals, f.Evidence = []Signal{l.zoneNodes(len(lost), all), alerts}, evidence
	return true
}

// zoneNodes is what the API server says of the nodes of a zone.
func (l nodeLook) zoneNodes(lost, all int) Signal {
	s := Signal{Name: "nodes", Source: SourceAPIServer, Asked: l.nodes || l.leases, Agrees: lost >= leastOfZone(all), Detail: fmt.Sprintf("%d of %d lost", lost, all)}
	if !s.Asked {
		s.Detail = "not asked: nobody sees the nodes of this cluster now"
	}
	return s
}

func (c Declared) extendRegion(l nodeLook, f *Fault) {
	region := c.Region.regionOf(l.cluster)
	f.Anchor = Anchor{Kind: "region", Name: region, UID: l.cluster.Name}
	f.Scope = Scope{Regions: []string{region}}
	f.Signals = []Signal{pollOf(l.view, l.cluster, targetAPIServer, true).signal("witnesses", SourceWitnesses),
		pollOf(l.view, l.cluster, targetAPIServer, false).signal("probe", SourceSalvor)}
}

func (l nodeLook) extendNamespace(f *Fault) bool {
	name, deleted, known := f.Anchor.Name, 0, l.cluster.hasNamespace(f.Anchor.Name)
	for _, d := range l.cluster.Deleted {
		known = known || d.Kind == "Namespace" && d.Name == name
		if d.Namespace == name && d.BackAt.IsZero() {
			deleted++
		}
	}
	if f.Cause = CauseDeclared; known && !l.cluster.hasNamespace(name) {
		f.Cause = CauseNamespacesDeleted
	}
	f.Scope = Scope{Namespaces: []string{name}}
	f.Signals = []Signal{{Name: "deletions", Detail: fmt.Sprintf("%d of its objects were deleted within a day", deleted)}}
	return known
}

// hasNamespace says whether a namespace is known to exist.
func (c *Cluster) hasNamespace(name string) bool {
	o, ok := c.Objects[objectKey("Namespace", "", name)]
	return ok && !o.Gone
}

func (l nodeLook) extendPod(f *Fault) bool {
	namespace, _, _ := strings.Cut(f.Anchor.Name, "/")
	f.Scope = Scope{Namespaces: []string{namespace}}
	f.Signals = []Signal{l.detections(f.Anchor)}
	return l.cluster.hasNamespace(namespace)
}

// detections is what runtime detection says of a pod or a node. Its silence is no disagreement.
func (l nodeLook) detections(a Anchor) Signal {
	matches := 0
	for _, d := range l.cluster.Detections {
		if about, _ := aim(d.field("k8s.ns.name"), d.field("k8s.pod.name"), d.field("ka.user.name"), d.Hostname); about == a {
			matches++
		}
	}
	return Signal{Name: "detection", Detail: fmt.Sprintf("%d matches of any priority within an hour", matches)}
}

// workloadKinds are the kinds of workload, by the kind of the anchor of what is wrong with one.
var workloadKinds = map[string]string{"deployment": "Deployment", "statefulset": "StatefulSet", "daemonset": "DaemonSet"}

func (l nodeLook) extendWorkload(f *Fault, uid string) (string, bool) {
	namespace, name, _ := strings.Cut(f.Anchor.Name, "/")
	key := objectKey(workloadKinds[f.Anchor.Kind], namespace, name)
	w, ok := l.cluster.Workloads[key]
	if !ok || w.Gone || uid != "" && uid != w.UID {
		return "", false
	}
	f.Anchor.UID = w.UID
	f.Scope = Scope{Namespaces: []string{namespace}, Objects: []string{key}}
	rolls, crash := rollout(w), crashes(newTroubles(l.view, l.cluster).pods[key], f)
	rolls.Asked = l.view.Sees(l.cluster, f.Anchor.Kind+"s")
	crash.Asked = crash.Asked && l.view.Sees(l.cluster, "pods")
	f.Signals = []Signal{rolls, crash}
	return w.UID, true
}
