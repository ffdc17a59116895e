package runbooks

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/salvor-io/salvor/responders"
)

// maxSize bounds one file of runbooks.
const maxSize = 1 << 20

//go:embed shipped/*.yaml
var shipped embed.FS

// Load reads the shipped runbooks and those of the user, if any: each .yaml or .yml file in the root of the directory, with
// one or more documents. A runbook of the user replaces the shipped one of its name. All that is wrong is reported at
// once, each error with file and line.
func Load(catalog responders.Catalog, user fs.FS) (*Set, error) {
	set := &Set{byName: map[string]Runbook{}}
	own, err := fs.Sub(shipped, "shipped")
	if err != nil {
		return nil, fmt.Errorf("open the shipped runbooks: %w", err)
	}
	for _, dir := range []fs.FS{own, user} {
		if dir == nil {
			continue
		}
		found, err := readDir(catalog, dir)
		if err != nil {
			return nil, err
		}
		maps.Copy(set.byName, found)
	}
	return set, set.link()
}

// link gives each runbook that names another for its undo the steps of that.
func (s *Set) link() error {
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(s.byName)) {
		r := s.byName[name]
		if r.UndoBy == "" {
			continue
		}
		by, ok := s.byName[r.UndoBy]
		switch {
		case !ok || !by.Return:
			wrong = append(wrong, fmt.Errorf("%s:%d: no runbook with return: true is named %q", r.Source, r.undoLine, r.UndoBy))
		case by.Fault != r.Fault:
			wrong = append(wrong, fmt.Errorf("%s:%d: %s is for faults of kind %s, not %s", r.Source, r.undoLine, by.Name, by.Fault, r.Fault))
		}
		r.Undo = by.Steps
		s.byName[name] = r
	}
	return errors.Join(wrong...)
}

func readDir(catalog responders.Catalog, dir fs.FS) (map[string]Runbook, error) {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return nil, fmt.Errorf("list runbooks: %w", err)
	}
	found := map[string]Runbook{}
	var wrong []error
	for _, entry := range entries {
		if ext := path.Ext(entry.Name()); entry.IsDir() || ext != ".yaml" && ext != ".yml" {
			continue
		}
		list, err := readFile(catalog, dir, entry.Name())
		wrong = append(wrong, err)
		for _, r := range list {
			if other, taken := found[r.Name]; taken {
				wrong = append(wrong, fmt.Errorf("%s: the runbook %s is in %s already", r.Source, r.Name, other.Source))
			}
			found[r.Name] = r
		}
	}
	return found, errors.Join(wrong...)
}

func readFile(catalog responders.Catalog, dir fs.FS, name string) ([]Runbook, error) {
	file, err := dir.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open runbook: %w", err)
	}
	defer func() { _ = file.Close() }()
	limited := &io.LimitedReader{R: file, N: maxSize + 1}
	decoder := yaml.NewDecoder(limited)
	var list []Runbook
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		switch {
		case limited.N <= 0:
			return nil, fmt.Errorf("%s: it is larger than %d bytes", name, maxSize)
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		runbook, err := decode(catalog, name, &document)
		if err != nil {
			return nil, err
		}
		list = append(list, runbook)
	}
}
