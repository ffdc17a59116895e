package stack

import (
	"context"
	"errors"
	"net/http"
	"os/exec"
	"path/filepath"

	"github.com/salvor-io/salvor/test/stack/internal/control"
)

// The classes of volumes and snapshots that a stack with Volumes has.
const (
	// StorageClass binds a claim at once. It is the cluster's default.
	StorageClass = "hostdir"
	// LateStorageClass binds a claim when a pod wants it.
	LateStorageClass = "hostdir-late"
	// SnapshotClass is for the snapshots of both.
	SnapshotClass = "hostdir"
	// CSIDriver is the name of the driver of them all.
	CSIDriver = "hostdir.csi.salvor.io"
)

// Volumes says whether the cluster has a storage system, and where that keeps the volumes.
type Volumes = control.Volumes

// StorageMood is how the storage system misbehaves. The zero value does not.
type StorageMood = control.Mood

// Backups says whether Velero runs, and where it keeps its backups.
type Backups struct {
	// Store is the object store. Nil means that there is no Velero.
	Store *Store
	// VeleroFlags are added to the flags of velero server, which runs with stock settings, and win over them:
	// "--item-operation-sync-frequency=1s".
	VeleroFlags []string
}

// SetStorageMood makes the storage system misbehave as told, from the next call on.
func (s *Stack) SetStorageMood(ctx context.Context, mood StorageMood) error {
	return s.ask(ctx, http.MethodPut, "/storage/mood", mood, nil)
}

// VolumeDir is the folder of the files of a volume, by the handle its PersistentVolume has. Nobody else writes there: the pods
// of a stack have no containers.
func (s *Stack) VolumeDir(handle string) string {
	return filepath.Join(s.state.Volumes, "volumes", handle, "data")
}

// SnapshotDir is the folder of the files of a snapshot, by the handle its VolumeSnapshotContent has.
func (s *Stack) SnapshotDir(handle string) string {
	return filepath.Join(s.state.Volumes, "snapshots", handle, "data")
}

// Velero runs Velero's CLI as the admin and returns its standard output. The error holds what it complained of.
func (s *Stack) Velero(ctx context.Context, args ...string) (string, error) {
	if s.state.Velero == "" {
		return "", errors.New("run velero: the stack has no Velero: give it Options.Backups")
	}
	return s.runAs(exec.CommandContext(ctx, s.state.Velero, args...), Admin, nil)
}

// VeleroCLI is the path of Velero's CLI, empty if the stack has no Velero.
func (s *Stack) VeleroCLI() string { return s.state.Velero }

// KillVelero kills the Velero server without a goodbye, whatever it is at, and returns when it is gone.
func (s *Stack) KillVelero(ctx context.Context) error {
	return s.ask(ctx, http.MethodPost, "/velero/stop", nil, nil)
}

// StartVelero starts the Velero server again and returns when it answers. What was in progress when it was killed, Velero
// declares failed.
func (s *Stack) StartVelero(ctx context.Context) error {
	return s.ask(ctx, http.MethodPost, "/velero/start", nil, nil)
}
