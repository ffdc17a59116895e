package classifiers

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/salvor-io/salvor/events"
)

// deletedFor is how long a deletion is remembered: so long a burst is a fault, unless what was deleted is there again.
const deletedFor = 24 * time.Hour

// maxDeleted bounds how many deletions are remembered of a cluster. Of more, the oldest are forgotten: a burst of this size is
// seen whatever came before it.
const maxDeleted = 5000

// counted are the kinds whose deletion people feel. Volumes go with their claims, and are not counted twice.
var counted = []string{"Namespace", "PersistentVolumeClaim", "Deployment", "StatefulSet", "DaemonSet", "ConfigMap", "Secret"}

// PodView is a pod that is in trouble, or lately was. Pods that were always well are not known.
type PodView struct {
	events.Pod
	Evidence string
	At       time.Time // view time at which its present trouble, or its end, began
}

// Troubled says whether the pod exists and is in trouble.
func (p PodView) Troubled() bool { return !p.Gone && p.Trouble != "" }

// WorkloadView is what is known of one Deployment, StatefulSet or DaemonSet.
type WorkloadView struct {
	events.Workload
	Evidence   string
	ToldAt     time.Time // view time of the event that is the evidence
	SickAt     time.Time // view time at which it stopped being healthy; zero while it is
	StuckAt    time.Time // view time at which its rollout stopped to progress; zero while it does
	RevisedAt  time.Time // view time of the last change of its revision; zero when none was seen
	WasHealthy bool      // it was seen healthy since Salvor knows it
	GoneAt     time.Time // view time at which it was deleted; zero while it exists
}

// ObjectView is what is known of an object of any other kind.
type ObjectView struct {
	events.Object
	Evidence  string
	ToldAt    time.Time // view time of the event that is the evidence
	At        time.Time // view time of the last change of its phase
	Turned    bool      // its phase has changed since Salvor knows it
	ContentAt time.Time // view time of the last change of what people want of it; zero when none was seen
	GoneAt    time.Time // view time at which it was deleted; zero while it exists
}

// Deletion is one object that was deleted.
type Deletion struct {
	Kind, Namespace, Name, UID string
	Evidence                   string
	Volume                     string    // of a claim: the volume that it was bound to
	At                         time.Time // view time
	BackAt                     time.Time // view time at which it was there again; zero while it is not, or is a claim that holds nothing of what was lost
	Missed                     bool      // it was found out afterwards
}

// stamp is what tells one state of an object from another.
type stamp struct {
	uid, version string
	created      time.Time
	gone         bool
}

// supersedes says whether a state that was seen is news to who knows another one. Of two objects of one name the one that was
// created later counts, or where that is not known, the one of the higher version.
func (seen stamp) supersedes(known stamp) bool {
	switch {
	case seen.uid == known.uid:
		return !known.gone && !older(seen.version, known.version)
	case seen.gone:
		return false
	case seen.created.IsZero() || seen.created.Equal(known.created):
		return !older(seen.version, known.version)
	}
	return seen.created.After(known.created)
}

func podKey(namespace, name string) string { return namespace + "/" + name }

func objectKey(kind, namespace, name string) string { return kind + "/" + namespace + "/" + name }

func (c *Cluster) foldPod(m moment, seen events.Pod) {
	key := podKey(seen.Namespace, seen.Name)
	known, ok := c.Pods[key]
	if ok && !stampOfPod(seen).supersedes(stampOfPod(known.Pod)) {
		return
	}
	began := m.at
	if ok && known.UID == seen.UID && known.Trouble == seen.Trouble && known.Gone == seen.Gone {
		began = known.At
	}
	c.Pods[key] = PodView{Pod: seen, Evidence: m.evidence, At: began}
}

func stampOfPod(p events.Pod) stamp {
	return stamp{uid: p.UID, version: p.ResourceVersion, gone: p.Gone}
}

func (c *Cluster) foldWorkload(m moment, seen events.Workload) {
	key := objectKey(seen.Kind, seen.Namespace, seen.Name)
	known, ok := c.Workloads[key]
	switch {
	case ok && !stampOfWorkload(seen).supersedes(stampOfWorkload(known.Workload)):
		return
	case !ok || known.UID != seen.UID:
		known = &WorkloadView{}
		c.Workloads[key] = known
	case known.Revision != seen.Revision && !known.brokeRevised():
		known.RevisedAt = m.at
	}
	if seen.Gone && !known.Gone {
		known.GoneAt = m.at
		c.deleted(ok, Deletion{Kind: seen.Kind, Namespace: seen.Namespace, Name: seen.Name, UID: seen.UID, Evidence: m.evidence, At: m.at, Missed: seen.Missed})
	}
	known.Workload, known.Evidence, known.ToldAt = seen, m.evidence, m.at
	known.judge(m)
	if !seen.Gone {
		c.found(m.at, seen.Kind, seen.Namespace, seen.Name)
	}
}

func stampOfWorkload(w events.Workload) stamp {
	return stamp{w.UID, w.ResourceVersion, w.Created, w.Gone}
}

// brokeRevised says that the workload broke with its last revision and is still broken: what comes after that, be it the name that its
// controller gives the same revision, is not what broke it.
func (w *WorkloadView) brokeRevised() bool {
	return !w.SickAt.IsZero() && !w.RevisedAt.Before(w.SickAt)
}

// judge keeps the times at which the workload stopped being healthy, and its rollout to progress.
func (w *WorkloadView) judge(m moment) {
	switch {
	case w.Stuck == "" || w.Gone:
		w.StuckAt = time.Time{}
	case w.StuckAt.IsZero():
		w.StuckAt = m.at
	}
	switch healthy := w.Healthy(); {
	case healthy, w.Gone:
		w.SickAt = time.Time{}
		w.WasHealthy = w.WasHealthy || healthy
	case w.SickAt.IsZero():
		w.SickAt = m.at
	}
}

func (c *Cluster) foldObject(m moment, seen events.Object) {
	key := objectKey(seen.Kind, seen.Namespace, seen.Name)
	if c.ObjectsAt.IsZero() {
		c.ObjectsAt = m.at
	}
	known, ok := c.Objects[key]
	switch {
	case ok && !stampOfObject(seen).supersedes(stampOfObject(known.Object)):
		return
	case !ok || known.UID != seen.UID:
		known = &ObjectView{At: m.at}
		c.Objects[key] = known
	default:
		known.changed(m, seen)
	}
	if seen.Gone && !known.Gone {
		known.GoneAt = m.at
		c.deleted(ok, Deletion{Kind: seen.Kind, Namespace: seen.Namespace, Name: seen.Name, UID: seen.UID, Evidence: m.evidence,
			Volume: known.volume(seen), At: m.at, Missed: seen.Missed})
	}
	known.Object, known.Evidence, known.ToldAt = seen, m.evidence, m.at
	c.follow(m, known)
}

// follow notes what the state of an object says of others.
func (c *Cluster) follow(m moment, seen *ObjectView) {
	switch {
	case seen.Gone && seen.Kind == kindRestore:
		c.foundSpaces(m.at)
	case seen.Gone:
	case seen.Kind == kindBackup:
		c.backedUp(seen)
	case seen.Kind == kindRestore && seen.Phase == "Completed":
		c.restored(m.at, seen)
	case slices.Contains(counted, seen.Kind):
		c.found(m.at, seen.Kind, seen.Namespace, seen.Name)
	}
}

func (o *ObjectView) changed(m moment, seen events.Object) {
	if o.Phase != seen.Phase {
		o.At, o.Turned = m.at, true
	}
	if o.Content != seen.Content && o.Content != "" {
		o.ContentAt = m.at
	}
}

func stampOfObject(o events.Object) stamp {
	return stamp{o.UID, o.ResourceVersion, o.Created, o.Gone}
}

const (
	kindClaim   = "PersistentVolumeClaim"
	kindRestore = "Restore.velero.io"

	kindNamespace = "Namespace"
)

// volume is the one that a claim which is gone was bound to. That it is gone may be all that was seen of its end.
func (o *ObjectView) volume(seen events.Object) string {
	if seen.Kind != kindClaim {
		return ""
	}
	return cmp.Or(seen.Of.Name, o.Of.Name)
}

// found notes that what was deleted under a name is there again.
func (c *Cluster) found(at time.Time, kind, namespace, name string) {
	is := func(d *Deletion) bool {
		return d.BackAt.IsZero() && d.Name == name && d.Namespace == namespace && d.Kind == kind
	}
	back := false
	for i := range c.Deleted {
		back = back || is(&c.Deleted[i]) && c.holds(&c.Deleted[i])
	}
	for i := range c.Deleted {
		if d := &c.Deleted[i]; back && is(d) {
			d.BackAt = at
		}
	}
}

// restored notes that the claims which a Restore made again hold their data now, and that the namespaces which it restored into are whole.
func (c *Cluster) restored(at time.Time, restore *ObjectView) {
	for i := range c.Deleted {
		d := &c.Deleted[i]
		o, ok := c.Objects[d.key()]
		if !ok || o.Gone || !d.BackAt.IsZero() {
			continue
		}
		if d.Kind == kindClaim && o.From.Kind == kindRestore && o.From.Name == restore.Name || d.Kind == kindNamespace && restore.refills(d) {
			d.BackAt = at
		}
	}
}

// foundSpaces looks at the namespaces again that were deleted: a Restore that held them up is gone.
func (c *Cluster) foundSpaces(at time.Time) {
	for i := range c.Deleted {
		if d := &c.Deleted[i]; d.Kind == kindNamespace && d.BackAt.IsZero() && c.exists(*d) {
			c.found(at, d.Kind, d.Namespace, d.Name)
		}
	}
}

// refillsFrom is how far the clocks of a cluster and of Salvor may differ for what was deleted to have been so before a Restore was made.
const refillsFrom = time.Minute

// refills says that a Restore brings back what is in a namespace that was deleted before.
func (o *ObjectView) refills(d *Deletion) bool {
	return !o.Created.Before(d.At.Add(-refillsFrom)) && (len(o.Into) == 0 || slices.Contains(o.Into, d.Name))
}

// refilling says that a Restore into a namespace that was deleted before is known and has not come to a good end: the namespace is there before
// what was in it.
func (c *Cluster) refilling(d *Deletion) bool {
	for _, o := range c.Objects {
		if o.Kind == kindRestore && !o.Gone && o.Phase != "Completed" && o.refills(d) {
			return true
		}
	}
	return false
}

func (d *Deletion) key() string { return objectKey(d.Kind, d.Namespace, d.Name) }

// holds says of what exists under the name of what was deleted whether it is that again. A claim is when it has the same volume, or was
// filled from a backup, a snapshot or another claim: one that a controller merely made anew is empty. Of a Restore that is known the end
// is waited for.
func (c *Cluster) holds(d *Deletion) bool {
	if d.Kind != kindClaim {
		return d.Kind != kindNamespace || !c.refilling(d)
	}
	claim := c.Objects[d.key()]
	switch {
	case d.Volume != "" && claim.Of.Name == d.Volume:
		return true
	case claim.From.Kind == kindRestore:
		return !c.restoring(claim.From.Name)
	}
	return claim.From.Name != ""
}

// restoring says that a Restore of that name is known and has not come to a good end.
func (c *Cluster) restoring(name string) bool {
	for _, o := range c.Objects {
		if o.Kind == kindRestore && o.Name == name && !o.Gone && o.Phase != "Completed" {
			return true
		}
	}
	return false
}

// deleted remembers a deletion that people feel, of an object that was known: what was never seen is not missed.
func (c *Cluster) deleted(known bool, d Deletion) {
	if !known || !slices.Contains(counted, d.Kind) {
		return
	}
	c.Deleted = append(c.Deleted, d)
	if len(c.Deleted) > maxDeleted {
		c.Deleted = c.Deleted[1:]
	}
	c.forgetDeletions(d.At)
}

func (c *Cluster) forgetDeletions(now time.Time) {
	for len(c.Deleted) > 0 && now.Sub(c.Deleted[0].At) > deletedFor {
		c.Deleted = c.Deleted[1:]
	}
}

// missed says of a schedule that was deleted after a backup that was no good one that it is remembered for as long as other deletions.
func (c *Cluster) missed(now time.Time, o *ObjectView) bool {
	if o.Kind != kindSchedule || now.Sub(o.GoneAt) > deletedFor {
		return false
	}
	last, ended := c.lastOf(o)
	return ended && !last.good()
}

// forgetObjects drops what ended long ago.
func (c *Cluster) forgetObjects(now time.Time) {
	long := func(t time.Time) bool { return !t.IsZero() && now.Sub(t) > goneFor }
	maps.DeleteFunc(c.Pods, func(_ string, p PodView) bool { return !p.Troubled() && long(p.At) })
	maps.DeleteFunc(c.Workloads, func(_ string, w *WorkloadView) bool { return long(w.GoneAt) })
	maps.DeleteFunc(c.Objects, func(_ string, o *ObjectView) bool { return long(o.GoneAt) && !c.missed(now, o) })
	c.forgetBackups()
	c.forgetDeletions(now)
}
