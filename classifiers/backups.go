package classifiers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/events"
)

// storage finds volumes, claims and snapshots in error.
func (c Data) storage(cluster *Cluster) []Finding {
	var out []Finding
	for _, key := range sortedKeys(cluster.Objects) {
		o := cluster.Objects[key]
		if why := o.broken(); why != "" && !o.Gone {
			out = append(out, c.object(cluster, o, why))
		}
	}
	for _, a := range cluster.alertsOn(KindData, nil, events.TopicVolume) {
		out = append(out, c.alerted(cluster, "volume", a))
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
	case strings.HasPrefix(o.Kind, "VolumeSnapshot") && o.Phase == "Error":
		return "could not be taken"
	case o.Kind == "BackupStorageLocation.velero.io" && o.Phase == "Unavailable":
		return "is not available: no backup can be written or read there"
	}
	return ""
}

// object is the finding about one object that is broken.
func (c Data) object(cluster *Cluster, o *ObjectView, why string) Finding {
	kind, _, _ := strings.Cut(o.Kind, ".")
	name := strings.TrimPrefix(o.Namespace+"/"+o.Name, "/")
	f := Fault{Kind: KindData, Cluster: cluster.Name, Anchor: Anchor{Kind: strings.ToLower(kind), Name: name, UID: o.UID}, Since: o.At,
		Scope:    Scope{Namespaces: listOf(o.Namespace), Objects: []string{objectKey(o.Kind, o.Namespace, o.Name)}},
		Evidence: []string{o.Evidence}, Sentence: fmt.Sprintf("%s %s %s", kind, name, why),
		Signals: []Signal{{Name: "status", Source: SourceAPIServer, Asked: true, Agrees: true, Detail: "phase " + o.Phase}}}
	if o.Message != "" {
		f.Sentence += ": " + o.Message
	}
	return Finding{Fault: f, Window: c.Window}
}

// alerted is the finding that an alert makes alone, anchored at what its labels name.
func (c Data) alerted(cluster *Cluster, what string, a AlertView) Finding {
	name := strings.TrimPrefix(a.Labels["namespace"]+"/"+firstOf(a.Labels, "persistentvolumeclaim", "persistentvolume", "schedule", "volumesnapshot"), "/")
	f := Fault{Kind: KindData, Cluster: cluster.Name, Anchor: Anchor{Kind: what, Name: a.Name + " " + name}, Scope: Scope{Namespaces: listOf(a.Labels["namespace"])}}
	f.Sentence = fmt.Sprintf("%s %s: %s", what, name, a.Name)
	f.says([]AlertView{a})
	return Finding{Fault: f, Window: c.Window}
}

// firstOf is the first of the labels that is there.
func firstOf(labels map[string]string, names ...string) string {
	for _, name := range names {
		if labels[name] != "" {
			return labels[name]
		}
	}
	return ""
}

// backups finds schedules of backups whose last one failed or whose next one is late.
func (c Data) backups(v *View, cluster *Cluster) []Finding {
	last := cluster.lastBackups()
	var out []Finding
	for _, key := range sortedKeys(cluster.Objects) {
		s := cluster.Objects[key]
		if s.Gone || s.Kind != "Schedule.velero.io" {
			continue
		}
		if f, bad := c.schedule(v, cluster, s, last[s.Namespace+"/"+s.Name]); bad {
			out = append(out, f)
		}
	}
	for _, a := range cluster.alertsOn(KindData, nil, events.TopicBackup) {
		schedule := a.Labels["schedule"]
		known := slices.ContainsFunc(out, func(f Finding) bool {
			return f.Anchor.Kind == "schedule" && strings.HasSuffix(f.Anchor.Name, "/"+schedule)
		})
		if schedule == "" || !known {
			out = append(out, c.alerted(cluster, "backup", a))
		}
	}
	return out
}

// lastBackups are the last backups that ended, by "namespace/schedule".
func (c *Cluster) lastBackups() map[string]*ObjectView {
	last := map[string]*ObjectView{}
	for _, o := range c.Objects {
		if o.Gone || o.Kind != "Backup.velero.io" || o.Of.Name == "" || !slices.Contains([]string{"Completed", "PartiallyFailed", "Failed", "FailedValidation"}, o.Phase) {
			continue
		}
		key := o.Namespace + "/" + o.Of.Name
		if known := last[key]; known == nil || o.Created.After(known.Created) || o.Created.Equal(known.Created) && o.Name > known.Name {
			last[key] = o
		}
	}
	return last
}

func (c Data) schedule(v *View, cluster *Cluster, s, last *ObjectView) (Finding, bool) {
	switch {
	case last != nil && last.Phase != "Completed":
		f := c.object(cluster, s, fmt.Sprintf("made no good backup: the last, %s, is %s", last.Name, last.Phase))
		f.Since, f.Evidence = last.At, append(f.Evidence, last.Evidence)
		f.Signals[0].Detail = fmt.Sprintf("phase %s of backup %s", last.Phase, last.Name)
		return f, true
	case s.overdue(v, cluster) > c.Late:
		f := c.object(cluster, s, fmt.Sprintf("is late: a backup was due at %s", s.Due.UTC().Format("2006-01-02 15:04")))
		f.Since = s.Due.Add(c.Late)
		f.Signals[0].Detail = fmt.Sprintf("%s late, %s are let pass", s.overdue(v, cluster).Round(time.Minute), c.Late)
		return f, true
	}
	return Finding{}, false
}

// overdue is how late the next backup of a schedule is, as far as somebody looks; 0 or less when it is not.
func (o *ObjectView) overdue(v *View, c *Cluster) time.Duration {
	if o.Phase == "Paused" || o.Due.IsZero() || !v.Sees(c, "schedules.velero.io") || !v.Sees(c, "backups.velero.io") {
		return 0
	}
	return v.Now.Sub(o.Due)
}
