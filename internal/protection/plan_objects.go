package protection

import (
	"hash/fnv"
	"slices"
	"time"
)

// Meta is the metadata of an object that is planned.
type Meta struct {
	Name      string `json:"name,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	Labels    Labels `json:"labels,omitempty"`
}

// ScheduleObject is a Schedule of Velero, as its API v1 has it.
type ScheduleObject struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	Metadata   Meta         `json:"metadata"`
	Spec       ScheduleSpec `json:"spec"`
}

// ScheduleSpec says when which backups are made.
type ScheduleSpec struct {
	Schedule string       `json:"schedule"`
	Template TemplateSpec `json:"template"`
}

// TemplateSpec is what each backup of a Schedule takes.
type TemplateSpec struct {
	Metadata                 *Meta     `json:"metadata,omitempty"`
	IncludedNamespaces       []string  `json:"includedNamespaces"`
	LabelSelector            *Selector `json:"labelSelector,omitempty"`
	SnapshotVolumes          bool      `json:"snapshotVolumes"`
	SnapshotMoveData         bool      `json:"snapshotMoveData,omitempty"`
	DefaultVolumesToFsBackup bool      `json:"defaultVolumesToFsBackup,omitempty"`
	TTL                      string    `json:"ttl"`
}

// Selector picks objects that have all of some labels.
type Selector struct {
	MatchLabels Labels `json:"matchLabels"`
}

// ClassObject is a VolumeSnapshotClass.
type ClassObject struct {
	APIVersion     string `json:"apiVersion"`
	Kind           string `json:"kind"`
	Metadata       Meta   `json:"metadata"`
	Driver         string `json:"driver"`
	DeletionPolicy string `json:"deletionPolicy"`
}

func hash(text string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(text)) // it never fails
	return h.Sum32()
}

// schedule is the Schedule that keeps a promise.
func (pl *planning) schedule(p Promise, names []string, every time.Duration) ScheduleObject {
	s := ScheduleObject{APIVersion: "velero.io/v1", Kind: "Schedule", Metadata: Meta{Name: nameFor(p), Namespace: pl.veleroIn()}}
	s.Spec.Schedule = cronFor(every, hash(p.Name))
	t := &s.Spec.Template
	t.IncludedNamespaces, t.TTL = names, kept(every).String()
	if len(p.Workloads) > 0 {
		t.LabelSelector = &Selector{p.Workloads}
	}
	if pl.Cluster != "" {
		t.Metadata = &Meta{Labels: Labels{"salvor.io/cluster": pl.Cluster}} // so that a backup is known for this cluster's in a shared store
	}
	pl.content(p, names, t)
	return s
}

// veleroIn is the namespace of Velero: where its default storage location is, or any, or where it is installed by default.
func (pl *planning) veleroIn() string {
	in := "velero"
	for i, l := range pl.Locations {
		if i == 0 || l.Default {
			in = l.Namespace
		}
	}
	return in
}

// content says how a Schedule takes the content of volumes. Data is moved out of the cluster's own storage where Velero has somebody who
// moves it; where a volume cannot be snapshotted, files are copied, of all volumes: a Schedule has one way for all of them.
func (pl *planning) content(p Promise, names []string, t *TemplateSpec) {
	if !slices.ContainsFunc(p.Wanted(), func(b Backup) bool { return b.Of == ApplicationData && b.By == Snapshot && b.Lag == "" }) {
		return
	}
	t.SnapshotVolumes = true
	var claims []Claim
	for _, name := range names {
		claims = append(claims, pl.claimsOf(p, name)...)
	}
	movers, bare := pl.movers(), pl.bare(claims)
	switch {
	case len(claims) == 0:
	case !movers && len(bare) > 0:
		pl.note("%s: the volumes of %s can be neither snapshotted nor copied: Velero has no node-agent (velero install --use-node-agent)", p.Name, few(bare))
	case !movers:
		pl.note("%s: its snapshots stay in the storage of the cluster, and are lost with it: Velero has no node-agent to move them (velero install --use-node-agent)", p.Name)
	case len(bare) > 0:
		t.DefaultVolumesToFsBackup, t.SnapshotVolumes = true, false
		pl.note("%s: files are copied of those volumes that pods mount, since no snapshot can be made of %s", p.Name, few(bare))
	default:
		t.SnapshotMoveData = true
	}
}

// movers says whether Velero has its node-agent, which moves and copies data.
func (pl *planning) movers() bool {
	return slices.ContainsFunc(pl.Workloads, func(w Workload) bool {
		return w.Kind == "DaemonSet" && w.Namespace == pl.veleroIn() && w.Name == "node-agent"
	})
}

// bare names the claims of which no snapshot can be made, also not with the classes that are planned.
func (pl *planning) bare(claims []Claim) []string {
	var out []string
	for _, c := range claims {
		if driver := pl.driverOf(c.Class); !pl.classFor(driver) {
			out = append(out, c.Namespace+"/"+c.Name)
		}
	}
	return out
}

// classFor plans a VolumeSnapshotClass for a driver that has none, and says whether there is one then. What is snapshotted stays when the
// namespace of its VolumeSnapshot is deleted; Velero deletes that of its backups by itself, as they expire.
func (pl *planning) classFor(driver string) bool {
	switch {
	case !slices.Contains(pl.Drivers, driver):
		return false
	case !pl.Snapshotting:
		pl.note("the API of VolumeSnapshots is not installed: install the CRDs and the snapshot controller, and driver %s can be snapshotted if it is able to", driver)
		return false
	case pl.snappable(driver):
		if !pl.taken(driver) {
			pl.note("Velero cannot tell which VolumeSnapshotClass of driver %s to take: kubectl label volumesnapshotclass NAME velero.io/csi-volumesnapshot-class=true", driver)
		}
		return true
	}
	class := ClassObject{APIVersion: "snapshot.storage.k8s.io/v1", Kind: "VolumeSnapshotClass", Driver: driver, DeletionPolicy: "Retain",
		Metadata: Meta{Name: nameFor(Promise{Name: driver}), Labels: Labels{"velero.io/csi-volumesnapshot-class": "true"}}}
	if !slices.ContainsFunc(pl.Classes, func(c ClassObject) bool { return c.Driver == driver }) {
		pl.Classes = append(pl.Classes, class)
		pl.note("whether driver %s can make snapshots is not seen from here", driver)
	}
	return true
}
