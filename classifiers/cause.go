package classifiers

import "slices"

// Cause is what happened, in one word of a closed set. Runbooks and rules tell faults of one kind apart by it. It is no part of what makes two
// faults the same, and empty where nobody can say, as of most faults that people declare.
type Cause string

// The causes of faults of data.
const (
	CauseNamespacesDeleted   Cause = "namespaces-deleted"
	CauseClaimsDeleted       Cause = "claims-deleted"  // so many of one namespace
	CauseObjectsDeleted      Cause = "objects-deleted" // of any kind, so many of one namespace
	CauseVolumeLost          Cause = "volume-lost"     // of a claim that is there
	CauseVolumeFailed        Cause = "volume-failed"   // it could not be reclaimed, or an alert says that it has an error
	CauseSnapshotFailed      Cause = "snapshot-failed"
	CauseLocationUnavailable Cause = "location-unavailable" // backups can neither be written nor read there
	CauseBackupFailed        Cause = "backup-failed"        // or an alert speaks of it
	CauseBackupLate          Cause = "backup-late"
	CauseProtectionMissing   Cause = "protection-missing" // what was promised could not be kept now
	CauseDeclared            Cause = "declared"           // people say that the data of a namespace that is there are lost or wrong
	CauseEtcdQuorum          Cause = "etcd-quorum"
	CauseEtcdCorrupt         Cause = "etcd-corrupt"
	CauseEtcdSpace           Cause = "etcd-space"
)

// The causes of faults of configuration. What was deleted has changed, too.
const (
	CauseRevisionChanged    Cause = "revision-changed" // of the workload itself
	CauseConfigMapChanged   Cause = "configmap-changed"
	CauseSecretChanged      Cause = "secret-changed"
	CauseWebhookChanged     Cause = "webhook-changed" // of admission
	CauseDefinitionChanged  Cause = "definition-changed"
	CauseCertificateExpires Cause = "certificate-expires" // or has
)

// Causes are those that faults of a kind can have. Other kinds have none: what happened to a node, a zone or a region does not change what is to
// be done, and what happened in security is for people to find out.
func Causes(kind Kind) []Cause {
	switch kind {
	case KindData:
		return []Cause{CauseNamespacesDeleted, CauseClaimsDeleted, CauseObjectsDeleted, CauseVolumeLost, CauseVolumeFailed, CauseSnapshotFailed,
			CauseLocationUnavailable, CauseBackupFailed, CauseBackupLate, CauseProtectionMissing, CauseDeclared, CauseEtcdQuorum, CauseEtcdCorrupt, CauseEtcdSpace}
	case KindConfig:
		return []Cause{CauseRevisionChanged, CauseConfigMapChanged, CauseSecretChanged, CauseWebhookChanged, CauseDefinitionChanged, CauseCertificateExpires}
	}
	return nil
}

// by says what happened of a finding.
func (f Finding) by(what Cause) Finding {
	f.Cause = what
	return f
}

// cause is what happened to an object that is broken by what its own status says.
func (o *ObjectView) cause() Cause {
	switch o.Kind {
	case kindClaim:
		return CauseVolumeLost
	case "PersistentVolume":
		return CauseVolumeFailed
	case "BackupStorageLocation.velero.io":
		return CauseLocationUnavailable
	}
	return CauseSnapshotFailed
}

// causeOfVolume is what happened to what an alert about volumes speaks of.
func causeOfVolume(a Anchor) Cause {
	if a.Kind == "volumesnapshot" {
		return CauseSnapshotFailed
	}
	return CauseVolumeFailed
}

// word is what was changed.
func (c cause) word() Cause {
	switch c.kind {
	case "":
		return CauseRevisionChanged
	case "ConfigMap":
		return CauseConfigMapChanged
	case "Secret":
		return CauseSecretChanged
	case "CustomResourceDefinition":
		return CauseDefinitionChanged
	}
	return CauseWebhookChanged
}

// IsOneOf says whether a cause is one of some. None to choose from are all.
func (c Cause) IsOneOf(some []Cause) bool { return len(some) == 0 || slices.Contains(some, c) }
