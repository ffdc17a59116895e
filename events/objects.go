package events

import "time"

// Pod is the projection of a Kubernetes Pod that judgements need. It is published when its Trouble changes, and when a pod in
// trouble is deleted: a pod that is well and stays well is never told of.
type Pod struct {
	Namespace       string `json:"namespace"`
	Name            string `json:"name"`
	UID             string `json:"uid"`
	ResourceVersion string `json:"resourceVersion"`
	Gone            bool   `json:"gone,omitempty"`
	Node            string `json:"node,omitempty"`
	Owner           Ref    `json:"owner,omitzero"`     // what keeps it running: the Deployment and not its ReplicaSet
	Revision        string `json:"revision,omitempty"` // pod-template-hash, controller-revision-hash, or of a DaemonSet's pod pod-template-generation
	// Trouble is the reason in the words of Kubernetes: CrashLoopBackOff, ImagePullBackOff, CreateContainerConfigError,
	// OOMKilled, Unschedulable, Failed, NotReady and the like; empty when the pod is well or merely starting. Of a crash loop it is told
	// once, until the container has run for 10 minutes; whether it is then called CrashLoopBackOff or OOMKilled is as its first crash was.
	Trouble  string `json:"trouble,omitempty"`
	Message  string `json:"message,omitempty"` // at most 256 bytes
	Restarts int    `json:"restarts,omitempty"`
}

// Ref names an object of the same namespace, or one without a namespace. Where something without a namespace refers to something that
// has one, the name is "namespace/name".
type Ref struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	UID  string `json:"uid,omitempty"`
}

// Workload is the projection of a Deployment, StatefulSet or DaemonSet. It is published when its revision, its health or its
// trouble changes, not at each replica that comes or goes.
type Workload struct {
	Kind            string    `json:"kind"`
	Namespace       string    `json:"namespace"`
	Name            string    `json:"name"`
	UID             string    `json:"uid"`
	ResourceVersion string    `json:"resourceVersion"`
	Gone            bool      `json:"gone,omitempty"`
	Missed          bool      `json:"missed,omitempty"` // with Gone: its end was found in a list, nobody looked when it was deleted
	Deleting        bool      `json:"deleting,omitempty"`
	Created         time.Time `json:"created"`
	Generation      int64     `json:"generation"`
	Observed        int64     `json:"observed"` // generation that its controller has seen
	Revision        string    `json:"revision"` // of the pod template that is wanted; as in Pod.Revision, or "template-..." until its controller has named it
	Paused          bool      `json:"paused,omitempty"`
	Desired         int       `json:"desired"`
	Updated         int       `json:"updated"`         // those that a partition or OnDelete holds back count as updated
	Ready           int       `json:"ready"`           // that are surely of the wanted revision: one fewer for each replica that is not
	Stuck           string    `json:"stuck,omitempty"` // why its rollout does not progress, as its condition says: ProgressDeadlineExceeded, FailedCreate
	Changed         Change    `json:"changed,omitzero"`
	Uses            []Ref     `json:"uses,omitempty"` // the ConfigMaps and Secrets that its pods read, sorted; at most 64
}

// Healthy says whether all replicas that are wanted are there, of the wanted revision, and ready.
func (w Workload) Healthy() bool {
	return w.Stuck == "" && w.Observed >= w.Generation && w.Ready >= w.Desired && w.Updated >= w.Desired
}

// Change is who last changed what people want of an object, as its managedFields tell: the newest entry that is not of a
// subresource nor of a controller of Kubernetes itself.
type Change struct {
	By string    `json:"by,omitempty"` // the field manager: "kubectl-edit", "argocd-controller", "helm"
	At time.Time `json:"at,omitzero"`
	Op string    `json:"op,omitempty"` // Apply or Update
}

// Object is the projection of an object of any other kind: Namespace, PersistentVolumeClaim, PersistentVolume, ConfigMap, Secret,
// CustomResourceDefinition, the webhook configurations, Backup, Restore, Schedule and BackupStorageLocation of Velero, VolumeSnapshot,
// VolumeSnapshotContent, Application of Argo CD, Kustomization and HelmRelease of Flux.
type Object struct {
	Kind            string    `json:"kind"` // with its API group unless that is Kubernetes' own: "Namespace", "Backup.velero.io"
	Namespace       string    `json:"namespace,omitempty"`
	Name            string    `json:"name"`
	UID             string    `json:"uid"`
	ResourceVersion string    `json:"resourceVersion"`
	Gone            bool      `json:"gone,omitempty"`
	Missed          bool      `json:"missed,omitempty"` // with Gone: its end was found in a list, nobody looked when it was deleted
	Deleting        bool      `json:"deleting,omitempty"`
	Created         time.Time `json:"created"`
	Phase           string    `json:"phase,omitempty"`   // as its status writes it: "Bound", "Failed", "Completed", "Available", "OutOfSync"
	Message         string    `json:"message,omitempty"` // at most 512 bytes
	At              time.Time `json:"at,omitzero"`       // when what the phase speaks of ended or began, by the status
	Of              Ref       `json:"of,omitzero"`       // what it is of: the Schedule of a Backup, the claim of a volume or a snapshot
	From            Ref       `json:"from,omitzero"`     // what a claim was filled from when it was made: a Restore of Velero, a VolumeSnapshot, another claim
	Into            []string  `json:"into,omitempty"`    // Restore: the namespaces that it restores into, at most 200; none where it names none, which may be every one
	Content         string    `json:"content,omitempty"` // digest of what people want of it; of a Secret nothing else is read
	Every           string    `json:"every,omitempty"`   // Schedule: its cron expression
	Due             time.Time `json:"due,omitzero"`      // Schedule: when the next Backup is due after the last, as Velero reads the expression; zero when it cannot be read
	Changed         Change    `json:"changed,omitzero"`
}
