package doctor

import (
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/salvor-io/salvor/internal/config"
)

// room says whether the disk below data_dir has room for all that the embedded store may grow to.
func room(s *sheet, cfg *config.Config) {
	var disk syscall.Statfs_t
	dir := existing(cfg.DataDir)
	if err := syscall.Statfs(dir, &disk); err != nil {
		s.warn("room", "see how much room data_dir has: df "+dir, "cannot tell how much room there is in %s: %v", dir, err)
		return
	}
	free, used := config.Bytes(float64(disk.Bavail)*float64(disk.Bsize)), sizeOf(filepath.Join(cfg.DataDir, "nats"))
	if missing := cfg.NATS.MaxStore - used - free; missing > 0 {
		s.warn("room", "make room there, or lower nats.max_store", "%s free in %s and %s in use, but the store may grow to %s",
			mebi(free), dir, mebi(used), cfg.NATS.MaxStore)
		return
	}
	s.ok("room", "%s free in %s and %s in use; the store grows to %s at most", mebi(free), dir, mebi(used), cfg.NATS.MaxStore)
}

// sizeOf is the size of all files in a directory that can be seen; files that go meanwhile do not count.
func sizeOf(dir string) config.Bytes {
	var sum config.Bytes
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			sum += config.Bytes(info.Size())
		}
		return nil
	})
	return sum
}

// mebi leaves out what is less than a mebibyte.
func mebi(b config.Bytes) config.Bytes { return b &^ (1<<20 - 1) }
