package point

import "time"

// Phases of a backup that has been made.
const (
	Completed       = "Completed"
	PartiallyFailed = "PartiallyFailed"
)

// Backup is one backup as the cluster tells of it. Times that it does not tell are zero.
type Backup struct {
	Name, Namespace, UID string

	Phase  string
	Why    string // why it is in that phase, where it says so
	Errors int    // how many items it could not take, of which some may be in it all the same

	Cluster string    // the cluster that it says it is of; empty where it says nothing
	Synced  bool      // it was found in the object store: another Velero made it, or one before that of now
	Created time.Time // when the object was created here

	Started, Completed, Expires time.Time
	Verified                    time.Time // when a drill or a check last proved that it can be restored
	Deleting                    bool

	Location      string // storage location
	LocationReady bool   // it can be read now
	LocationWhy   string // why not

	Items   int // how many objects are in it
	Scope   Scope
	Volumes Volumes
}

// Volumes is what a backup tells of the contents of volumes.
type Volumes struct {
	Off       bool // it was told to take no snapshots of volumes, and no files by default
	Attempted int  // snapshots, data movements and copies of files that were begun
	Completed int  // those of them that ended well
}
