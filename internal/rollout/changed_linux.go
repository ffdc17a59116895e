package rollout

import (
	"io/fs"
	"syscall"
	"time"
)

// changedAt is when a file was changed. What its owner can set, its time of modification, does not count.
func changedAt(info fs.FileInfo) time.Time {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(stat.Ctim.Unix())
	}
	return info.ModTime()
}
