package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// mood is how the storage system misbehaves. The zero value does not.
type mood struct {
	// RefuseSnapshots is why no snapshot is taken. Empty means that snapshots are taken.
	RefuseSnapshots string `json:"refuse_snapshots"`
	// SnapshotDelay is how long a snapshot takes to be ready after it was taken, in nanoseconds.
	SnapshotDelay time.Duration `json:"snapshot_delay"`
	// Quota is how many bytes all volumes and snapshots may have together. Zero is no limit.
	Quota int64 `json:"quota"`
}

// moodFile is the path of a file that holds a mood. It is read at every call, so that a change acts at once.
type moodFile string

// read returns the mood of the moment. A file that is not there is a good mood.
func (f moodFile) read() (now mood, err error) {
	data, err := os.ReadFile(string(f))
	if f == "" || errors.Is(err, fs.ErrNotExist) {
		return mood{}, nil
	}
	if err != nil {
		return mood{}, err
	}
	if err := json.Unmarshal(data, &now); err != nil {
		return mood{}, fmt.Errorf("read mood from %s: %w", f, err)
	}
	return now, nil
}
