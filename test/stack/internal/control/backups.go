package control

import "time"

// Volumes says whether the cluster has a storage system, and where that keeps the volumes.
type Volumes struct {
	// Present says that there is one: a CSI driver, the provisioner, and what it takes to have snapshots.
	Present bool `json:"present"`
	// Dir is the folder of the storage system. Stacks with the same folder can use each other's volumes and snapshots by their
	// handles. Empty means a folder of the stack's own.
	Dir string `json:"dir,omitempty"`
}

// Velero says where Velero keeps its backups. Without a bucket there is no Velero.
type Velero struct {
	Bucket Bucket `json:"bucket"`
	// Flags are added to the flags of velero server and win over them.
	Flags []string `json:"flags,omitempty"`
}

// Bucket is how a bucket of an object store is reached.
type Bucket struct {
	URL       string `json:"url"`
	Region    string `json:"region"`
	Name      string `json:"name"`
	AccessKey string `json:"access_key"`
	SecretKey string `json:"secret_key"`
}

// StoreConfig is what the supervisor of an object store is asked to run.
type StoreConfig struct {
	Dir string `json:"dir"`
	// Temporary folders are removed when the store stops.
	Temporary bool `json:"temporary"`
	// Binary is the path of the server.
	Binary string `json:"binary"`
}

// StoreState is where a started object store is found.
type StoreState struct {
	PID          int    `json:"pid"`
	Dir          string `json:"dir"`
	ControlURL   string `json:"control_url"`
	ControlToken string `json:"control_token"`
	Bucket       Bucket `json:"bucket"`
	// Files is the folder that holds the objects of the bucket as files.
	Files string `json:"files"`
}

// Mood is how the storage system misbehaves. The zero value does not. The driver reads it from a file, so that the names in it
// are those of the driver.
type Mood struct {
	// RefuseSnapshots is why no snapshot is taken. Empty means that snapshots are taken.
	RefuseSnapshots string `json:"refuse_snapshots,omitempty"`
	// SnapshotDelay is how long a snapshot takes to be ready after it was taken.
	SnapshotDelay time.Duration `json:"snapshot_delay,omitempty"`
	// Quota is how many bytes all volumes and snapshots may have together. Zero is no limit.
	Quota int64 `json:"quota,omitempty"`
}
