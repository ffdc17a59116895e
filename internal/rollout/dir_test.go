package rollout

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// TestNothingHalfWrittenIsOffered: what changes between two readings is not certain yet.
func TestNothingHalfWrittenIsOffered(t *testing.T) {
	d := newDesk(t, asks)
	dir := d.source()
	var last string
	for _, text := range []string{asks, acts, denies} {
		d.write("own.rego", text)
		if _, err := dir.Look(t.Context()); !errors.Is(err, errUnsettled) {
			t.Errorf("of %q it says %v", text, err)
		}
	}
	for range 2 {
		got, err := dir.Look(t.Context())
		if err != nil || last != "" && got.Policy.Digest() != last {
			t.Errorf("it says %v", err)
		}
		last = got.Policy.Digest()
	}
}

// TestAFileOfTheSameSizeAndTime is seen, if not at once.
func TestAFileOfTheSameSizeAndTime(t *testing.T) {
	d := newDesk(t, denies)
	dir := d.source()
	then := time.Now().Add(-time.Hour)
	change := func(text string) {
		d.write("own.rego", text)
		if err := os.Chtimes(d.dir+"/own.rego", then, then); err != nil {
			t.Fatal(err)
		}
	}
	change(denies)
	first, err := dir.settle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	change(denies[:len(denies)-8] + "\"nevr\" \n")
	if got, err := dir.Look(t.Context()); err != nil || got.Policy.Digest() != first.Policy.Digest() {
		t.Errorf("it was read at once: %v", err)
	}
	dir.at = dir.at.Add(-dirAnew)
	if _, err := dir.Look(t.Context()); !errors.Is(err, errUnsettled) {
		t.Errorf("a minute later it says %v", err)
	}
}

// TestALinkToNothing is told of, and that it is taken away is seen at once.
func TestALinkToNothing(t *testing.T) {
	d := newDesk(t, denies)
	if err := os.Symlink("nowhere", d.dir+"/none.rego"); err != nil {
		t.Fatal(err)
	}
	dir := d.source()
	if _, err := dir.settle(t.Context()); err == nil {
		t.Fatal("it can be read")
	}
	if err := os.Remove(d.dir + "/none.rego"); err != nil {
		t.Fatal(err)
	}
	if _, err := dir.settle(t.Context()); err != nil {
		t.Errorf("without it, it says %v", err)
	}
}

// TestAMountedConfigMap: its files are links into a folder that is swapped for another.
func TestAMountedConfigMap(t *testing.T) {
	d := &desk{t, t.TempDir()}
	link := func(from, to string) {
		t.Helper()
		if err := errors.Join(os.Symlink(to, filepath.Join(d.dir, from+".next")), os.Rename(filepath.Join(d.dir, from+".next"), filepath.Join(d.dir, from))); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"..one": asks, "..two": acts} {
		if err := os.Mkdir(filepath.Join(d.dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		d.write(name+"/own.rego", text)
	}
	link("..data", "..one")
	link("own.rego", "..data/own.rego")
	dir := d.source()
	first, err := dir.settle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	link("..data", "..two")
	second, err := dir.settle(t.Context())
	if err != nil || second.Policy.Digest() == first.Policy.Digest() || second.Author == "" {
		t.Errorf("after the swap it holds %s of %q, %v", second.Policy.Digest(), second.Author, err)
	}
}

// TestWhoChangedItLast: the author is who owns the file that is policy and that was changed last, whatever time its owner gave it.
func TestWhoChangedItLast(t *testing.T) {
	if os.Getuid() != 0 || runtime.GOOS != "linux" {
		t.Skip("files are given to others by root alone, and only Linux says when they were changed")
	}
	d := newDesk(t, asks)
	d.write("more.rego", acts)
	for i, name := range []string{"more.rego", "own.rego"} {
		tick(t, d)
		path, said := filepath.Join(d.dir, name), time.Now().Add(-time.Duration(i)*time.Hour)
		if err := errors.Join(os.Chown(path, 4241+i, -1), os.Chtimes(path, said, said)); err != nil {
			t.Fatal(err)
		}
	}
	tick(t, d)
	d.write("README.md", "x")
	if _, author := d.source().survey(); author != "uid 4242" {
		t.Errorf("it is %q", author)
	}
}

// tick waits until the clock of the file system has moved.
func tick(t *testing.T, d *desk) {
	t.Helper()
	changed := func() time.Time {
		d.write("tick", "")
		info, err := os.Stat(filepath.Join(d.dir, "tick"))
		if err != nil {
			t.Fatal(err)
		}
		return changedAt(info)
	}
	for first := changed(); !changed().After(first); {
		runtime.Gosched()
	}
}
