package stack_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/test/stack"
)

// TestDetached starts a stack that outlives its owner, finds it again and stops it.
func TestDetached(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a real control plane")
	}
	t.Parallel()
	dir := t.TempDir()
	s := start(t, stack.Options{Dir: dir, Nodes: stack.Nodes(1), Detached: true})
	pids := cluster{t: t, Stack: s}.status()
	found, err := stack.Attach(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := found.Stop(); err != nil {
		t.Error(err)
	}
	if left := alive(pids); len(left) > 0 {
		t.Errorf("processes %v outlived the stack", left)
	}
	if _, err := stack.Attach(dir); err == nil {
		t.Error("a stopped stack is found")
	}
}

// TestStartFails gives the API server a flag it does not know.
func TestStartFails(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a real control plane")
	}
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	_, err := stack.Start(ctx, stack.Options{APIServerFlags: []string{"--no-such-flag"}})
	if err == nil || !strings.Contains(err.Error(), "unknown flag: --no-such-flag") {
		t.Errorf("err = %v, want what the log says", err)
	}
}

// TestStartIsCancelled gives up a start, after which nothing may be left.
func TestStartIsCancelled(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a real control plane")
	}
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "stack")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for !exists(filepath.Join(dir, "etcd")) && ctx.Err() == nil {
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
	}()
	defer cancel()
	if _, err := stack.Start(ctx, stack.Options{Dir: dir}); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want that the context was cancelled", err)
	}
	if used := inUse(t, dir); len(used) > 0 {
		t.Errorf("processes %v outlived the start", used)
	}
}

// inUse returns the processes whose working directory is dir.
func inUse(t *testing.T, dir string) (pids []string) {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if at, err := os.Readlink(link); err == nil && at == dir {
			pids = append(pids, filepath.Base(filepath.Dir(link)))
		}
	}
	return pids
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
