package classifiers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/events"
)

const (
	kindSchedule = "Schedule.velero.io"
	kindBackup   = "Backup.velero.io"
)

// BackupView is the last backup of a schedule that has ended. It outlives its object: that a failed backup is deleted makes no good one.
type BackupView struct {
	Name, Phase string
	Evidence    string
	Created     time.Time
	At          time.Time // view time at which it ended so
	Stood       bool      // it had ended so when Salvor first looked
}

// good says that everything was backed up.
func (b BackupView) good() bool { return b.Phase == "Completed" }

// backedUp keeps the last backup of each schedule that has ended.
func (c *Cluster) backedUp(o *ObjectView) {
	if o.Gone || o.Of.Name == "" || !slices.Contains([]string{"Completed", "PartiallyFailed", "Failed", "FailedValidation"}, o.Phase) {
		return
	}
	key := o.Namespace + "/" + o.Of.Name
	if last, ok := c.Backups[key]; ok && last.Name != o.Name && (o.Created.Before(last.Created) || o.Created.Equal(last.Created) && o.Name < last.Name) {
		return
	}
	c.Backups[key] = BackupView{o.Name, o.Phase, o.Evidence, o.Created, o.At, c.stood(o)}
}

// forgetBackups drops those of which neither the schedule nor the object is known any more.
func (c *Cluster) forgetBackups() {
	for key, b := range c.Backups {
		namespace, schedule, _ := strings.Cut(key, "/")
		if c.Objects[objectKey(kindSchedule, namespace, schedule)] == nil && c.Objects[objectKey(kindBackup, namespace, b.Name)] == nil {
			delete(c.Backups, key)
		}
	}
}

// lastOf is the last backup of a schedule that has ended.
func (c *Cluster) lastOf(schedule *ObjectView) (BackupView, bool) {
	b, ok := c.Backups[schedule.Namespace+"/"+schedule.Name]
	return b, ok
}

// backups finds schedules of backups whose last one failed or whose next one is late. A schedule that is deleted while its last backup is
// no good one is still found, for as long as it is remembered.
func (c Data) backups(v *View, cluster *Cluster) []Finding {
	var out []Finding
	for _, s := range cluster.schedules() {
		if f, bad := c.schedule(v, cluster, s); bad {
			out = append(out, f)
		}
	}
	for _, g := range grouped(cluster.alertsOn(KindData, nil, events.TopicBackup), cluster.scheduleOf) {
		known := slices.ContainsFunc(out, func(f Finding) bool { return f.Anchor == g.anchor })
		if !known && !cluster.backsUp(v, g.anchor) {
			out = append(out, c.alerted(cluster, g).by(CauseBackupFailed))
		}
	}
	return out
}

// schedules are those that are known, in order.
func (c *Cluster) schedules() []*ObjectView {
	return those(c.Objects, func(o *ObjectView) bool { return o.Kind == kindSchedule })
}

// scheduleOf is what an alert about backups speaks of: the schedule, where it is known. Of several of that name it is the one that is
// worst off.
func (c *Cluster) scheduleOf(a AlertView) Anchor {
	name := a.Labels.Of("schedule")
	var worst *ObjectView
	for _, s := range c.schedules() {
		if s.Name != name {
			continue
		}
		if last, ended := c.lastOf(s); worst == nil || ended && !last.good() {
			worst = s
		}
	}
	switch {
	case name == "":
		return Anchor{Kind: "backup", Name: called("", a.Name)}
	case worst == nil:
		return Anchor{Kind: "backup", Name: called("", name)}
	}
	return worst.anchor()
}

// backsUp says that a schedule is seen to have made a good backup last: an alert about it looks back on what is over.
func (c *Cluster) backsUp(v *View, schedule Anchor) bool {
	last, ended := c.Backups[schedule.Name]
	return schedule.Kind == "schedule" && ended && last.good() && v.Sees(c, "backups.velero.io")
}

func (c Data) schedule(v *View, cluster *Cluster, s *ObjectView) (Finding, bool) {
	last, ended := cluster.lastOf(s)
	switch {
	case ended && !last.good():
		f := c.object(cluster, s, fmt.Sprintf("made no good backup: the last, %s, is %s", last.Name, last.Phase)).by(CauseBackupFailed)
		f.Since, f.Evidence, f.Standing = last.At, append(f.Evidence, last.Evidence), last.Stood
		f.Signals[0].Detail = fmt.Sprintf("phase %s of backup %s", last.Phase, last.Name)
		if s.Gone {
			f.Sentence += "; the schedule was deleted since"
		}
		return f, true
	case !s.Gone && s.overdue(v, cluster) > c.Late:
		f := c.object(cluster, s, fmt.Sprintf("is late: a backup was due at %s", s.Due.UTC().Format("2006-01-02 15:04"))).by(CauseBackupLate)
		late := s.Due.Add(c.Late)
		f.Since, f.Standing = later(late, s.ToldAt), late.Before(cluster.ObjectsAt)
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
