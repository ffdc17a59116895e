package velero

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/salvor-io/salvor/responders/point"
)

// backupObject is what is read of a Backup.
type backupObject struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              backupSpec `json:"spec"`
	Status            struct {
		Phase               string       `json:"phase"`
		FailureReason       string       `json:"failureReason"`
		ValidationErrors    []string     `json:"validationErrors"`
		StartTimestamp      *metav1.Time `json:"startTimestamp"`
		CompletionTimestamp *metav1.Time `json:"completionTimestamp"`
		Expiration          *metav1.Time `json:"expiration"`
		Warnings            int          `json:"warnings"`
		Errors              int          `json:"errors"`
		Progress            progress     `json:"progress"`

		VolumeSnapshotsAttempted      int `json:"volumeSnapshotsAttempted"`
		VolumeSnapshotsCompleted      int `json:"volumeSnapshotsCompleted"`
		CSIVolumeSnapshotsAttempted   int `json:"csiVolumeSnapshotsAttempted"`
		CSIVolumeSnapshotsCompleted   int `json:"csiVolumeSnapshotsCompleted"`
		BackupItemOperationsAttempted int `json:"backupItemOperationsAttempted"`
		BackupItemOperationsFailed    int `json:"backupItemOperationsFailed"`
	} `json:"status"`
}

// progress is how far Velero says that it has come with a Backup or a Restore.
type progress struct {
	TotalItems    int `json:"totalItems"`
	ItemsBackedUp int `json:"itemsBackedUp"`
	ItemsRestored int `json:"itemsRestored"`
}

// backupSpec is what a Backup is told to take, as far as it is read.
type backupSpec struct {
	IncludedNamespaces               []string                `json:"includedNamespaces"`
	ExcludedNamespaces               []string                `json:"excludedNamespaces"`
	IncludedResources                []string                `json:"includedResources"`
	ExcludedResources                []string                `json:"excludedResources"`
	IncludedNamespaceScopedResources []string                `json:"includedNamespaceScopedResources"`
	ExcludedNamespaceScopedResources []string                `json:"excludedNamespaceScopedResources"`
	ExcludedClusterScopedResources   []string                `json:"excludedClusterScopedResources"`
	LabelSelector                    *metav1.LabelSelector   `json:"labelSelector"`
	OrLabelSelectors                 []*metav1.LabelSelector `json:"orLabelSelectors"`
	IncludeClusterResources          *bool                   `json:"includeClusterResources"`
	SnapshotVolumes                  *bool                   `json:"snapshotVolumes"`
	DefaultVolumesToFsBackup         *bool                   `json:"defaultVolumesToFsBackup"`
	DefaultVolumesToRestic           *bool                   `json:"defaultVolumesToRestic"`
	StorageLocation                  string                  `json:"storageLocation"`
}

func (o *backupObject) backup() point.Backup {
	b := point.Backup{Name: o.Name, Namespace: o.Namespace, UID: string(o.UID), Phase: o.Status.Phase, Why: o.why(), Errors: o.Status.Errors,
		Cluster: o.Labels[ClusterLabel], Created: o.CreationTimestamp.Time, Location: o.Spec.StorageLocation, Scope: o.Spec.scope(), Items: o.Status.Progress.ItemsBackedUp,
		Started: timeOf(o.Status.StartTimestamp), Completed: timeOf(o.Status.CompletionTimestamp), Expires: timeOf(o.Status.Expiration),
		Verified: verifiedAt(o.Annotations[VerifiedAnnotation]), Deleting: o.DeletionTimestamp != nil || o.Status.Phase == "Deleting", Volumes: o.volumes()}
	// A backup is made after its object was created; one that is older than its object was found in the store.
	b.Synced = !b.Started.IsZero() && b.Created.After(b.Started)
	return b
}

func (o *backupObject) why() string {
	if len(o.Status.ValidationErrors) > 0 {
		return line(o.Status.ValidationErrors[0])
	}
	return line(o.Status.FailureReason)
}

func (s *backupSpec) scope() point.Scope {
	scope := point.Scope{Namespaces: s.IncludedNamespaces, NotNamespaces: s.ExcludedNamespaces, ClusterKinds: s.IncludeClusterResources,
		Kinds:    slices.Concat(s.IncludedResources, s.IncludedNamespaceScopedResources),
		NotKinds: slices.Concat(s.ExcludedResources, s.ExcludedNamespaceScopedResources), NotClusterKinds: s.ExcludedClusterScopedResources}
	for _, selector := range append([]*metav1.LabelSelector{s.LabelSelector}, s.OrLabelSelectors...) {
		if text := metav1.FormatLabelSelector(selector); selector != nil && text != "<none>" {
			scope.Selectors = append(scope.Selectors, text)
		}
	}
	return scope
}

// volumes counts the volumes. A snapshot by CSI is also told of as an operation on an item, and is counted once.
func (o *backupObject) volumes() point.Volumes {
	s := o.Status
	attempted := s.VolumeSnapshotsAttempted + max(s.CSIVolumeSnapshotsAttempted, s.BackupItemOperationsAttempted)
	failed := s.VolumeSnapshotsAttempted - s.VolumeSnapshotsCompleted +
		max(s.CSIVolumeSnapshotsAttempted-s.CSIVolumeSnapshotsCompleted, s.BackupItemOperationsFailed)
	return point.Volumes{Attempted: attempted, Completed: attempted - failed, Off: isFalse(o.Spec.SnapshotVolumes) &&
		!isTrue(o.Spec.DefaultVolumesToFsBackup) && !isTrue(o.Spec.DefaultVolumesToRestic)}
}

func isTrue(b *bool) bool  { return b != nil && *b }
func isFalse(b *bool) bool { return b != nil && !*b }
