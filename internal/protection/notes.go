package protection

import (
	"fmt"
	"slices"
	"time"
)

// notesOn is what is worth a look in a namespace though it keeps no promise from being kept now: nothing that makes the next backup, one that
// is made too seldom, certificates that are no good.
func (j *judge) notesOn(p Promise, namespace string) []string {
	if namespace == "" {
		return nil
	}
	var out []string
	if !j.exists(namespace) {
		out = append(out, "the namespace is not there now")
	}
	return append(append(out, j.renewal(p, namespace)...), j.certificates(namespace)...)
}

// renewal says what is wrong with the schedules of the backups that a promise needs.
func (j *judge) renewal(p Promise, namespace string) []string {
	rpo, wanted := snapshotRPO(p)
	if _, not := j.unread(SourceSchedules); not || !wanted || !j.Velero {
		return nil
	}
	var asleep []string
	var least time.Duration
	runs := false
	for _, s := range j.Schedules {
		switch {
		case !j.covers(s.Scope, p.need(namespace, false)):
		case s.Paused:
			asleep = append(asleep, "schedule "+s.Name+" is paused")
		case s.Why != "":
			asleep = append(asleep, "Velero does not take schedule "+s.Name+": "+line(s.Why))
		default:
			if !runs || s.Every < least {
				least = s.Every
			}
			runs = true
		}
	}
	switch {
	case !runs:
		return append([]string{"no schedule makes the next backup of it"}, asleep...)
	case rpo > 0 && least > rpo:
		return append(asleep, "its schedules let "+Span(least)+" pass between two backups, and "+Span(rpo)+" were promised")
	}
	return asleep
}

// snapshotRPO is the shortest RPO of what is kept by snapshots that are looked at in the cluster.
func snapshotRPO(p Promise) (rpo time.Duration, wanted bool) {
	for _, want := range p.Wanted() {
		if want.By != Snapshot || want.Of == ClusterData || want.Lag != "" {
			continue
		}
		if !wanted || want.RPO > 0 && (rpo == 0 || want.RPO < rpo) {
			rpo = want.RPO
		}
		wanted = true
	}
	return rpo, wanted
}

// certificateLeft is how long before its end a certificate is worth a look.
const certificateLeft = 14 * 24 * time.Hour

// certificates names those that cert-manager keeps in a namespace and that do not serve, or not for long.
func (j *judge) certificates(namespace string) []string {
	var out []string
	for _, c := range j.Certificates {
		switch {
		case c.Namespace != namespace:
		case !c.NotAfter.IsZero() && !c.NotAfter.After(j.At):
			out = append(out, "certificate "+c.Name+" has expired at "+day(c.NotAfter))
		case !c.Ready:
			out = append(out, "certificate "+c.Name+" is not ready"+because(c.Why))
		case c.NotAfter.Sub(j.At) < certificateLeft:
			out = append(out, "certificate "+c.Name+" expires at "+day(c.NotAfter))
		}
	}
	if len(out) > maxNamed {
		out = append(out[:maxNamed], fmt.Sprintf("and %d more certificates", len(out)-maxNamed))
	}
	return out
}

// notes are about the cluster as a whole.
func (j *judge) notes() []string {
	out := []string{}
	if _, not := j.unread(SourceBackups); !not && !j.Velero {
		out = append(out, "Velero is not installed")
	}
	for _, l := range j.Locations {
		if !l.Ready {
			out = append(out, "storage location "+l.Namespace+"/"+l.Name+" cannot be read"+because(l.Why))
		}
	}
	out = append(out, "etcd: "+j.etcdNote(), "certificates: "+j.certificateNote())
	return append(out, j.unlabelled()...)
}

func (j *judge) etcdNote() string {
	h := j.etcd()
	switch {
	case h.Point != nil:
		return fmt.Sprintf("snapshot %s of %s%s", h.Point.Name, day(h.Point.At), because(first(h.Missing)))
	}
	return first(h.Missing)
}

func (j *judge) certificateNote() string {
	if j.Platform != "" {
		return j.Platform + " keeps those of the control plane"
	}
	return "the keys of the control plane (kubeadm: /etc/kubernetes/pki) are on its disks; nothing in the cluster tells whether they are backed up"
}

// unlabelled names the drivers for which Velero cannot tell which VolumeSnapshotClass to take: there are several, and none is marked.
func (j *judge) unlabelled() []string {
	var out []string
	for _, c := range j.SnapshotClasses {
		why := "Velero cannot tell which VolumeSnapshotClass of driver " + c.Driver + " to take: give one the label velero.io/csi-volumesnapshot-class"
		if j.Velero && !j.taken(c.Driver) && !slices.Contains(out, why) {
			out = append(out, why)
		}
	}
	return out
}

// taken says whether Velero finds a VolumeSnapshotClass for a driver: one that is marked, or the only one.
func (j *judge) taken(driver string) bool {
	n, marked := 0, false
	for _, c := range j.SnapshotClasses {
		if c.Driver == driver {
			n, marked = n+1, marked || c.Marked
		}
	}
	return marked || n == 1
}

func first(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}
