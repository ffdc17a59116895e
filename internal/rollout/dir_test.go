package rollout

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
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
	if author := survey(d.dir).authorSince(sight{}, d.dir); author != "uid 4242" {
		t.Errorf("it is %q", author)
	}
	tick(t, d)
	before := survey(d.dir)
	if err := os.Rename(filepath.Join(d.dir, "more.rego"), filepath.Join(d.dir, "less.rego")); err != nil {
		t.Fatal(err)
	}
	if author := survey(d.dir).authorSince(before, d.dir); author != "uid 4241" {
		t.Errorf("it was renamed by %q", author)
	}
}

// TestWhoTookAFileAway: whoever may write to its directory, if that is one user. Who owns what is left did nothing.
func TestWhoTookAFileAway(t *testing.T) {
	here, err := os.Stat(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		mode   os.FileMode
		uid    int // -1: who runs this
		gid    int // -1: theirs
		author string
	}{
		"its directory is one user's":    {0o755, -1, -1, ownerOf(here)},
		"all may write to it":            {0o777, -1, -1, ""},
		"another user's":                 {0o755, 4241, -1, "uid 4241"},
		"a group may write to it":        {0o775, -1, 4241, ""},
		"a group of one may write to it": {0o775, 0, 0, "root"},
	} {
		t.Run(name, func(t *testing.T) {
			if (c.uid >= 0 || c.gid >= 0) && os.Getuid() != 0 {
				t.Skip("files are given to others by root alone")
			}
			d := newDesk(t, asks)
			sub := filepath.Join(d.dir, "eu")
			if err := errors.Join(os.MkdirAll(filepath.Join(sub, "west"), 0o755), os.Chmod(sub, c.mode)); err != nil {
				t.Fatal(err)
			}
			d.write("eu/west/more.rego", strings.Replace(denies, "own", "more", 1))
			d.write("eu/more.rego", strings.Replace(denies, "own", "most", 1))
			if err := os.Chown(sub, c.uid, c.gid); err != nil {
				t.Fatal(err)
			}
			dir := d.source()
			if _, err := dir.settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(os.Remove(filepath.Join(sub, "more.rego")), os.RemoveAll(filepath.Join(sub, "west"))); err != nil {
				t.Fatal(err)
			}
			got, err := dir.settle(t.Context())
			if err != nil || got.Author != c.author {
				t.Errorf("the author is %q, want %q; %v", got.Author, c.author, err)
			}
			dir.at = dir.at.Add(-dirAnew)
			if again, err := dir.Look(t.Context()); err != nil || again.Author != got.Author {
				t.Errorf("read again, the author is %q, was %q; %v", again.Author, got.Author, err)
			}
		})
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
