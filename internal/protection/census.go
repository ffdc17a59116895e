package protection

import (
	"time"

	"github.com/salvor-io/salvor/responders/point"
)

// Census is what was read of one cluster at one moment. What is not in it was not there, unless Unread says that it could not be read.
type Census struct {
	Cluster  string // its name in salvor.yaml; empty where it has none
	At       time.Time
	Platform string // whose control plane it is, where a provider runs it: "EKS", "GKE"; empty: not known

	Namespaces []Namespace
	Workloads  []Workload
	Claims     []Claim
	Classes    []StorageClass
	Drivers    []string // of CSI

	Velero    bool // its API is installed
	Backups   []point.Backup
	Uploads   []Upload
	Schedules []Schedule
	Locations []Location

	Snapshotting    bool // the API of VolumeSnapshots is installed
	Snapshots       []VolumeSnapshot
	SnapshotClasses []SnapshotClass
	Certificates    []Certificate
	Deliveries      []Delivery
	Etcd            []EtcdSnapshot
	EtcdJobs        []EtcdJob

	Lags   map[string]Lag // by name of the query
	Unread []Unread
}

// Source is one thing that a census reads, by the name that RBAC has for it: "backups.velero.io".
type Source string

// The sources that a judgement asks about.
const (
	SourceNamespaces   Source = "namespaces"
	SourceWorkloads    Source = "workloads"
	SourceClaims       Source = "persistentvolumeclaims"
	SourceClasses      Source = "storageclasses.storage.k8s.io"
	SourceBackups      Source = "backups.velero.io"
	SourceUploads      Source = "datauploads.velero.io"
	SourceSchedules    Source = "schedules.velero.io"
	SourceSnapshots    Source = "volumesnapshots.snapshot.storage.k8s.io"
	SourceSnapClasses  Source = "volumesnapshotclasses.snapshot.storage.k8s.io"
	SourceCertificates Source = "certificates.cert-manager.io"
	SourceArgo         Source = "applications.argoproj.io"
	SourceFlux         Source = "kustomizations.kustomize.toolkit.fluxcd.io"
	SourceEtcd         Source = "etcdsnapshotfiles.k3s.cattle.io"
	SourceCluster      Source = "cluster" // nothing at all could be read
)

// Unread is what could not be read, so that nothing that rests on it is known.
type Unread struct {
	What Source `json:"what"`
	Why  string `json:"why"`          // one sentence
	Do   string `json:"do,omitempty"` // what to do about it
}

// unread says whether something could not be read.
func (c *Census) unread(what Source) (Unread, bool) {
	for _, u := range c.Unread {
		if u.What == what || u.What == SourceCluster {
			return u, true
		}
	}
	return Unread{}, false
}

// Reached says that the cluster could be reached at all.
func (c *Census) Reached() bool {
	_, not := c.unread(SourceCluster)
	return !not
}

// Namespace is a namespace with its labels.
type Namespace struct {
	Name   string
	Labels Labels
}

// Workload is a Deployment, StatefulSet, DaemonSet or CronJob.
type Workload struct {
	Kind, Namespace, Name string
	Labels                Labels   // its own and those of its pods
	Claims                []string // names of the claims that its pods mount, as its template names them
	Prefixes              []string // beginnings of the names of claims that a StatefulSet makes for its pods
}

// Claim is a PersistentVolumeClaim.
type Claim struct {
	Namespace, Name, UID string
	Labels               Labels
	Bound                bool
	Class                string // its StorageClass
	Created              time.Time
}

// StorageClass is a StorageClass.
type StorageClass struct{ Name, Driver string }

// SnapshotClass is a VolumeSnapshotClass.
type SnapshotClass struct {
	Name, Driver string
	Delete       bool // what is snapshotted is deleted with its VolumeSnapshot
	Marked       bool // as the one that Velero takes for its driver, or as the default one
}

// VolumeSnapshot is a VolumeSnapshot of a claim.
type VolumeSnapshot struct {
	Namespace, Name, Claim string
	Class                  string
	Ready                  bool
	Why                    string // why it is not ready, where it says so
	At                     time.Time
}

// Upload is the content of one volume that Velero has copied for a backup, or tried to.
type Upload struct {
	Backup   string // namespace/name
	ClaimUID string
	Done     bool
}

// Schedule is a Schedule of Velero.
type Schedule struct {
	Namespace, Name string
	Scope           point.Scope
	Every           time.Duration // the longest time between two of its backups; 0: not known
	Paused          bool
	Why             string // why Velero does not take it, where it says so
	Location        string // empty: the default one
}

// Location is a storage location of backups.
type Location struct {
	Namespace, Name string
	Ready           bool
	Why             string // why not
	Default         bool
}

// Certificate is a certificate that cert-manager keeps.
type Certificate struct {
	Namespace, Name string
	Ready           bool
	Why             string
	NotAfter        time.Time // zero: there is none yet
}

// Delivery is an Application of Argo CD or a Kustomization of Flux, which makes what runs in namespaces from what is in Git.
type Delivery struct {
	Kind, Namespace, Name string
	Into                  []string // namespaces
	Synced                bool     // what runs is what is in Git
	Why                   string   // why not
}

// EtcdSnapshot is a snapshot of etcd that the distribution of the cluster tells of.
type EtcdSnapshot struct {
	Name  string
	Ready bool
	Away  bool // it is not on a disk of the cluster itself
	Why   string
	At    time.Time
}

// EtcdJob is a CronJob that looks as if it made snapshots of etcd.
type EtcdJob struct {
	Namespace, Name string
	At              time.Time // when it last ended well; zero: never
}

// Lag is what a query said of how old what is kept is.
type Lag struct {
	Held time.Time // all that was written before is kept
	Why  string    // why nothing is known; empty: Held holds
}
