package rego

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// The bounds of what is read. Real policies are a few dozen files of a few KiB.
const (
	maxFileBytes = 1 << 20
	maxFiles     = 1000
)

// Source is a place with policy: .rego files at any depth, and at most one data.yaml, data.yml or data.json with settings. What
// stands beside them for authors and their editors is never read as policy: files whose name ends in _test (before the extension),
// input.json, folders named schemas, and files and folders whose name begins with a dot.
type Source struct {
	Name  string // for people: "the shipped bundle", "/etc/salvor/policies"
	Files fs.FS
}

// file is one file that was read.
type file struct {
	source string
	path   string // relative to its source
	text   []byte
}

// fileList is files in the order of their sources, paths sorted within a source.
type fileList []file

// files is all that was read.
type files struct {
	rules    fileList
	settings fileList
}

// readSources reads what the sources hold. A source that holds nothing is an error: a forgotten mount must not look like
// an empty policy.
func readSources(ctx context.Context, sources []Source) (files, error) {
	var all files
	for _, source := range sources {
		read, err := source.read(ctx)
		if err != nil {
			return files{}, fmt.Errorf("read %s: %w", source.Name, err)
		}
		all.rules = append(all.rules, read.rules...)
		all.settings = append(all.settings, read.settings...)
	}
	return all, all.distinct()
}

func (s Source) read(ctx context.Context) (files, error) {
	var read files
	if err := s.walk(ctx, func(name string) error { return read.visit(s, name) }); err != nil {
		return files{}, err
	}
	switch {
	case len(read.rules)+len(read.settings) == 0:
		return files{}, fmt.Errorf("it holds no policy: put .rego files with a package below %s there, or take it out of the sources", policiesPath)
	case len(read.settings) > 1:
		return files{}, fmt.Errorf("%s and %s both hold settings: keep one such file", read.settings[0].path, read.settings[1].path)
	}
	return read, nil
}

// Holds counts the rule files and the settings of a source, a list being one setting. An error is one that New has too.
func (s Source) Holds(ctx context.Context) (rules, settings int, err error) {
	read, err := s.read(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("read %s: %w", s.Name, err)
	}
	set, err := readSettings(read.settings)
	return len(read.rules), leaves(set), err
}

func leaves(settings map[string]any) int {
	n := 0
	for _, value := range settings {
		if below, isMap := value.(map[string]any); isMap {
			n += leaves(below)
			continue
		}
		n++
	}
	return n
}

// RegoFiles are the paths of all files of rules and tests in it.
func (s Source) RegoFiles(ctx context.Context) ([]string, error) {
	var names []string
	err := s.walk(ctx, func(name string) error {
		if path.Ext(name) == ".rego" {
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// walk visits each file that is not hidden, in order of path.
func (s Source) walk(ctx context.Context, visit func(name string) error) error {
	return fs.WalkDir(s.Files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && name != "."
		switch {
		case entry.IsDir() && (hidden || entry.Name() == schemasFolder):
			return fs.SkipDir // such as the ..data of a mounted ConfigMap, whose files are linked from above
		case entry.IsDir() || hidden:
			return nil
		}
		if err := linkedFolder(s.Files, name, entry); err != nil {
			return err
		}
		return visit(name)
	})
}

// schemasFolder holds schemas for editors.
const schemasFolder = "schemas"

// visit reads a file that is policy.
func (f *files) visit(s Source, name string) error {
	into, err := f.of(name)
	if into == nil || err != nil {
		return err
	}
	return into.read(s, name)
}

// of is where a file belongs, nil when it is no policy. A file that looks like settings but is not named so is refused: settings that
// are passed over in silence would be missed when it is too late.
func (f *files) of(name string) (*fileList, error) {
	base, ext := path.Base(name), path.Ext(name)
	switch {
	case strings.HasSuffix(strings.TrimSuffix(base, ext), "_test"), base == "input.json":
		return nil, nil
	case ext == ".rego":
		return &f.rules, nil
	case base == "data.yaml", base == "data.yml", base == "data.json":
		return &f.settings, nil
	case ext == ".yaml", ext == ".yml", ext == ".json":
		return nil, fmt.Errorf("%s is not read: settings stand in data.yaml; rename it to data.yaml, or move it out of this directory", name)
	}
	return nil, nil
}

// read adds a file.
func (l *fileList) read(s Source, name string) error {
	if len(*l) == maxFiles {
		return fmt.Errorf("more than %d files: is this the right folder?", maxFiles)
	}
	text, err := readBounded(s.Files, name)
	if err != nil {
		return err
	}
	*l = append(*l, file{source: s.Name, path: name, text: text})
	return nil
}

// linkedFolder refuses a link to a folder: it is not walked, and rules behind it must not be missed in silence.
func linkedFolder(files fs.FS, name string, entry fs.DirEntry) error {
	if entry.Type()&fs.ModeSymlink == 0 {
		return nil
	}
	if target, err := fs.Stat(files, name); err == nil && target.IsDir() {
		return fmt.Errorf("%s is a link to a folder, which is not followed: name that folder itself as a source", name)
	}
	return nil
}

func readBounded(files fs.FS, name string) ([]byte, error) {
	opened, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = opened.Close() }() // nothing was written
	text, err := io.ReadAll(io.LimitReader(opened, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(text) > maxFileBytes {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, maxFileBytes)
	}
	return text, nil
}

// distinct holds that "zone.rego:14" names one rule, and that nobody replaces a shipped file by accident.
func (f files) distinct() error {
	by := map[string]string{}
	for _, one := range f.rules {
		if first, taken := by[one.path]; taken {
			return fmt.Errorf("%s is both in %s and in %s: rename one of them", one.path, first, one.source)
		}
		by[one.path] = one.source
	}
	return nil
}

// revision is 12 hex digits over names and contents, in order.
func (f files) revision() string {
	sum := sha256.New()
	for _, list := range []fileList{f.rules, f.settings} {
		for _, one := range list {
			sum.Write(fmt.Appendf(nil, "%d %s %d\n", len(one.path), one.path, len(one.text)))
			sum.Write(one.text)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
}
