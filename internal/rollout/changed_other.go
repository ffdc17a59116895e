//go:build !linux

package rollout

import (
	"io/fs"
	"time"
)

// changedAt is when a file was changed, as far as its owner did not set that otherwise.
func changedAt(info fs.FileInfo) time.Time { return info.ModTime() }
