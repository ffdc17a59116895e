package rego

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"
)

// maxTotalBytes bounds all files of a policy together, its tests included.
const maxTotalBytes = 4 << 20

// Policy is what was read of sources: rules, settings, and beside them the tests, which belong to it and decide nothing. It never
// changes. The zero value holds nothing and cannot be compiled.
type Policy struct {
	files    files
	sources  []Source // what was read, tests included, in memory
	revision string
	digest   string
	tested   bool
}

// Read reads a policy. Each file is read once, and no more of them than a policy can have: at most 1000 of a kind, 1 MiB each and 4 MiB
// together. A source without rules and settings is an error, and so is a rule file that two sources have.
func Read(ctx context.Context, sources []Source) (Policy, error) {
	var p Policy
	held := holding{}
	for _, source := range sources {
		read, err := held.hold(ctx, source)
		if err != nil {
			return Policy{}, fmt.Errorf("read %s: %w", source.Name, err)
		}
		p.sources = append(p.sources, read)
	}
	var err error
	if p.files, err = readSources(ctx, p.sources); err != nil {
		return Policy{}, err
	}
	p.revision, p.digest, p.tested = p.files.revision(), held.digest(), held.tests > 0
	return p, nil
}

// Revision names the rules and the settings: 12 hex digits over their names and contents. "" is that of the zero value.
func (p Policy) Revision() string { return p.revision }

// Digest names all that was read, tests included, in hex.
func (p Policy) Digest() string { return p.digest }

// Tested says whether there are tests among it.
func (p Policy) Tested() bool { return p.tested }

// Sources are what was read, in memory, in the order in which it was given.
func (p Policy) Sources() []Source { return p.sources }

// holding is what one reading has read so far.
type holding struct {
	text  []byte // names and contents, to be hashed
	size  int
	tests int
}

// hold copies what belongs to policy into memory.
func (h *holding) hold(ctx context.Context, s Source) (Source, error) {
	var copied txtar.Archive
	err := s.walk(ctx, func(name string) error {
		if !belongs(name) {
			return nil
		}
		if len(copied.Files) == 2*maxFiles {
			return fmt.Errorf("more than %d files: is this the right folder?", 2*maxFiles)
		}
		text, err := readBounded(s.Files, name)
		if err != nil {
			return err
		}
		if h.size += len(text); h.size > maxTotalBytes {
			return fmt.Errorf("with %s it is larger than %d bytes: is this the right folder?", name, maxTotalBytes)
		}
		if strings.HasSuffix(strings.TrimSuffix(name, path.Ext(name)), "_test") {
			h.tests++
		}
		h.text = fmt.Appendf(h.text, "%d %s %x\n", len(name), name, sha256.Sum256(text))
		copied.Files = append(copied.Files, txtar.File{Name: name, Data: text})
		return nil
	})
	if err != nil {
		return Source{}, err
	}
	h.text = append(h.text, '\n')
	held, err := txtar.FS(&copied)
	return Source{Name: s.Name, Files: held}, err
}

func (h *holding) digest() string {
	sum := sha256.Sum256(h.text)
	return hex.EncodeToString(sum[:])
}

// belongs says whether a file is of a policy: its rules, its settings, what only looks like settings and is refused, and tests.
func belongs(name string) bool {
	switch path.Ext(name) {
	case ".rego", ".yaml", ".yml", ".json":
		return path.Base(name) != "input.json"
	}
	return false
}

// Held makes a source of files in memory. Names are paths with slashes.
func Held(name string, texts map[string][]byte) (Source, error) {
	var all txtar.Archive
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		all.Files = append(all.Files, txtar.File{Name: path, Data: texts[path]})
	}
	files, err := txtar.FS(&all)
	if err != nil {
		return Source{}, fmt.Errorf("hold the files of %s: %w", name, err)
	}
	return Source{Name: name, Files: files}, nil
}
