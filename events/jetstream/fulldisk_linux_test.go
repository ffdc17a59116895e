package jetstream

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/salvor-io/salvor/events/eventstest"
)

func TestEmbeddedLogOnSmallDisk(t *testing.T) {
	t.Parallel()
	eventstest.Run(t, func(t *testing.T) *eventstest.Store {
		dir := t.TempDir()
		mountSmall(t, dir)
		s := embeddedStore(t, dir)
		ballast := filepath.Join(dir, "ballast")
		s.Full = &eventstest.Full{
			Fill:    func(t *testing.T) { fill(t, ballast) },
			Free:    func(t *testing.T) { os.Remove(ballast) },
			Healthy: s.Log.(*Log).Healthy,
		}
		return s
	})
}

// TestStoreWithoutSpace: a disk that is full already is refused at start, not found out by the first event.
func TestStoreWithoutSpace(t *testing.T) {
	dir := t.TempDir()
	mountSmall(t, dir)
	fill(t, filepath.Join(dir, "ballast"))
	_, err := Embed(t.Context(), EmbedOptions{StoreDir: dir}, testLog(t))
	if err == nil || !strings.Contains(err.Error(), "takes no writes") {
		t.Fatalf("embedding on a full disk returned %v, want that it takes no writes", err)
	}
	if err := os.Remove(filepath.Join(dir, "ballast")); err != nil {
		t.Fatal(err)
	}
	embed(t, dir)
}

// mountSmall puts a disk of 32 MiB in memory on the directory.
func mountSmall(t *testing.T, dir string) {
	t.Helper()
	err := syscall.Mount("salvor-test", dir, "tmpfs", 0, "size=32m")
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skipf("a small disk cannot be mounted here, which needs root: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
}

// fill writes until nothing more fits.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4096, 1} {
		for buf := make([]byte, size); ; {
			if _, err := f.Write(buf); errors.Is(err, syscall.ENOSPC) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
}
