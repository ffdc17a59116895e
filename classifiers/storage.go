package classifiers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/events"
)

// storage finds volumes, claims and snapshots in error.
func (c Data) storage(cluster *Cluster) []Finding {
	var out []Finding
	for _, o := range those(cluster.Objects, func(o *ObjectView) bool { return !o.Gone && o.broken() != "" }) {
		out = append(out, c.object(cluster, o, o.broken()).by(o.cause()))
	}
	for _, g := range grouped(cluster.alertsOn(KindData, nil, events.TopicVolume), cluster.volumeOf) {
		if !slices.ContainsFunc(out, func(f Finding) bool { return f.Anchor == g.anchor }) {
			out = append(out, c.alerted(cluster, g).by(causeOfVolume(g.anchor)))
		}
	}
	return out
}

// broken says what is wrong with an object whose own status tells it, or nothing.
func (o *ObjectView) broken() string {
	switch {
	case o.Kind == "PersistentVolume" && o.Phase == "Failed":
		return "could not be reclaimed"
	case o.Kind == "PersistentVolumeClaim" && o.Phase == "Lost":
		return "has lost its volume"
	case strings.HasPrefix(o.Kind, "VolumeSnapshot") && (o.Phase == "Failed" || o.Phase == "Error"):
		return "could not be taken"
	case o.Kind == "BackupStorageLocation.velero.io" && o.Phase == "Unavailable":
		return "is not available: no backup can be written or read there"
	}
	return ""
}

// object is the finding about one object that is broken.
func (c Data) object(cluster *Cluster, o *ObjectView, why string) Finding {
	kind, _, _ := strings.Cut(o.Kind, ".")
	f := Fault{Kind: KindData, Cluster: cluster.Name, Anchor: o.anchor(), Since: o.At,
		Scope:    Scope{Namespaces: listOf(o.Namespace), Objects: []string{objectKey(o.Kind, o.Namespace, o.Name)}},
		Evidence: []string{o.Evidence}, Sentence: fmt.Sprintf("%s %s %s", kind, o.anchor().Name, why),
		Signals: []Signal{{Name: "status", Source: SourceAPIServer, Asked: true, Agrees: true, Detail: "phase " + o.Phase}}}
	if o.Message != "" {
		f.Sentence += ": " + o.Message
	}
	return Finding{Fault: f, Window: c.Window, Standing: cluster.stood(o)}
}

// anchor is what a fault of the object itself is tied to.
func (o *ObjectView) anchor() Anchor {
	kind, _, _ := strings.Cut(o.Kind, ".")
	return Anchor{Kind: strings.ToLower(kind), Name: strings.TrimPrefix(o.Namespace+"/"+o.Name, "/"), UID: o.UID}
}

// stood says that an object is as it was when Salvor first looked at its cluster.
func (c *Cluster) stood(o *ObjectView) bool { return !o.Turned && o.Created.Before(c.ObjectsAt) }

// volumeOf is what an alert about volumes speaks of: the object, where it is known. The namespace of an alert about a volume, which has
// none, is that of who told of it.
func (c *Cluster) volumeOf(a AlertView) Anchor {
	for _, label := range []struct{ name, kind, namespace string }{
		{"persistentvolumeclaim", kindClaim, a.Labels.Of("namespace")}, {"persistentvolume", "PersistentVolume", ""},
		{"volumesnapshot", "VolumeSnapshot.snapshot.storage.k8s.io", a.Labels.Of("namespace")},
	} {
		name := a.Labels.Of(label.name)
		if name == "" {
			continue
		}
		if o, ok := c.Objects[objectKey(label.kind, label.namespace, name)]; ok && !o.Gone {
			return o.anchor()
		}
		return Anchor{Kind: label.name, Name: called(label.namespace, name)}
	}
	return Anchor{Kind: "volume", Name: called("", a.Name)}
}
