//go:build unix

package rollout

import (
	"io/fs"
	"os/user"
	"strconv"
	"syscall"
)

// ownerOf is the name of the user who owns a file, "uid 1000" when the user has none, and "" when the system does not tell.
func ownerOf(info fs.FileInfo) string {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	id := strconv.FormatUint(uint64(stat.Uid), 10)
	if u, err := user.LookupId(id); err == nil && u.Username != "" {
		return u.Username
	}
	return "uid " + id
}

// othersMayWrite says whether a directory is open to others than its owner. A group that has the owner's name is the owner's alone, as
// systems make one for each user.
func othersMayWrite(info fs.FileInfo) bool {
	const byGroup, byAll = 0o020, 0o002
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || info.Mode().Perm()&byAll != 0 {
		return true
	}
	if info.Mode().Perm()&byGroup == 0 {
		return false
	}
	group, err := user.LookupGroupId(strconv.FormatUint(uint64(stat.Gid), 10))
	return err != nil || group.Name != ownerOf(info)
}
