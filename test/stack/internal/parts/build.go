package parts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// lifeSign is how often a running build says that it is still at it.
const lifeSign = 20 * time.Second

// Builder builds parts into the .cache/stack folder of a checkout.
type Builder struct {
	// Root is the root of the checkout.
	Root string
	// Log is told what is built and how long it takes. It may not be nil.
	Log io.Writer
}

// Build returns the path of the part's binary, which it builds unless the same version from the same sources is there
// already. Builders may run side by side: the second waits for the first and uses what it made.
func (b Builder) Build(ctx context.Context, p Part) (string, error) {
	version, err := p.version(b.Root)
	if err != nil {
		return "", err
	}
	sum, err := b.sum(p, version)
	if err != nil {
		return "", fmt.Errorf("hash sources of %s: %w", p.Name, err)
	}
	folder := strings.Join(nonEmpty(p.Name, version, sum), "-")
	binary := filepath.Join(b.Root, ".cache", "stack", folder, p.Name)
	if exists(binary) {
		return binary, nil
	}
	if err := os.MkdirAll(filepath.Dir(filepath.Dir(binary)), 0o755); err != nil {
		return "", err
	}
	unlock, err := b.lock(ctx, p)
	if err != nil {
		return "", fmt.Errorf("lock build of %s: %w", p.Name, err)
	}
	defer unlock()
	if exists(binary) {
		return binary, nil
	}
	return binary, b.build(ctx, p, version, binary)
}

// build builds the part in a temporary folder and moves the whole folder into place.
func (b Builder) build(ctx context.Context, p Part, version, binary string) error {
	temporary, err := os.MkdirTemp(filepath.Dir(filepath.Dir(binary)), "."+p.Name+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	if err := os.Chmod(temporary, 0o755); err != nil {
		return err
	}
	started := time.Now()
	if err := b.compile(ctx, p, version, filepath.Join(temporary, p.Name)); err != nil {
		return fmt.Errorf("build %s: %w", p.Name, err)
	}
	if err := b.layFiles(ctx, p, temporary); err != nil {
		return fmt.Errorf("lay files beside %s: %w", p.Name, err)
	}
	if err := os.Rename(temporary, filepath.Dir(binary)); err != nil {
		return err
	}
	b.say("%s: built in %s", p.label(version), time.Since(started).Round(100*time.Millisecond))
	return nil
}

// compile runs the Go compiler and shows that it lives.
func (b Builder) compile(ctx context.Context, p Part, version, output string) error {
	b.say("%s: building, about %s when nothing is cached", p.label(version), p.Typical)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-mod=readonly",
		"-ldflags", p.ldflags(version), "-o", output, p.Package)
	cmd.Dir = filepath.Join(b.Root, p.folder())
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0")
	var talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &talk, &talk
	stop := b.showLife(p.label(version))
	err := cmd.Run()
	stop()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, bytes.TrimSpace(talk.Bytes()))
	}
	return nil
}

// showLife says every while that a build goes on, until the returned function is called.
func (b Builder) showLife(label string) (stop func()) {
	started, done, stopped := time.Now(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(lifeSign)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				b.say("%s: still building after %s", label, time.Since(started).Round(time.Second))
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		<-stopped
	}
}

// lock takes the lock of one part. The kernel releases it when its holder dies.
func (b Builder) lock(ctx context.Context, p Part) (unlock func(), err error) {
	path := filepath.Join(b.Root, ".cache", "stack", p.Name+".lock")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for waited := false; ; waited = true {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { file.Close() }, nil
		}
		if !waited {
			b.say("%s: waiting for another builder", p.Name)
		}
		select {
		case <-ctx.Done():
			file.Close()
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// sum is a short hash of everything the part is made from.
func (b Builder) sum(p Part, version string) (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, p.Package, p.ldflags(version))
	if p.Files != (Files{}) {
		fmt.Fprintln(hash, p.Files)
	}
	source := filepath.Join(b.Root, p.Source)
	err := filepath.WalkDir(source, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path != source && exists(filepath.Join(path, "go.mod")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !p.madeFrom(filepath.Base(path)) {
			return nil
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(hash, "%s %x\n", strings.TrimPrefix(path, source), sha256.Sum256(data))
		return err
	})
	return hex.EncodeToString(hash.Sum(nil))[:10], err
}

func (b Builder) say(format string, args ...any) {
	fmt.Fprintf(b.Log, format+"\n", args...)
}

func (p Part) folder() string {
	if p.Build == "" {
		return p.Source
	}
	return p.Build
}

// madeFrom says whether the part is made from a file of its source folder. A part whose package lies in another module is made
// from what go.mod and go.sum say, whatever else is beside them.
func (p Part) madeFrom(name string) bool {
	if !strings.HasPrefix(p.Package, ".") {
		return name == "go.mod" || name == "go.sum"
	}
	return !strings.HasSuffix(name, "_test.go") && !strings.HasSuffix(name, ".md")
}

func (p Part) label(version string) string {
	return strings.Join(nonEmpty(p.Name, version), " ")
}

// ldflags strip the binary, which a third of it is, and stamp it.
func (p Part) ldflags(version string) string {
	flags := []string{"-s", "-w"}
	if p.Stamp != nil {
		flags = append(flags, p.Stamp(version)...)
	}
	return strings.Join(flags, " ")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func nonEmpty(words ...string) []string {
	var kept []string
	for _, word := range words {
		if word != "" {
			kept = append(kept, word)
		}
	}
	return kept
}
