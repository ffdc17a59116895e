package rollout

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// maxWalk bounds the names that one look sees of a directory; what is larger is refused when it is read.
const maxWalk = 5000

// sight is what can be seen of a directory without reading its files.
type sight struct {
	seen   string   // names, sizes and times, as a hash
	names  []string // of what is policy, in order
	newest fs.FileInfo
}

// survey looks at a directory. Links are followed, since a mounted ConfigMap is made of them.
func survey(dir string) sight {
	var text strings.Builder
	var s sight
	files, names := os.DirFS(dir), 0
	_ = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error { // each error is part of what is seen
		if names++; err != nil || names > maxWalk {
			fmt.Fprintf(&text, "%q %v\n", name, err)
			return fs.SkipAll
		}
		if strings.HasPrefix(entry.Name(), ".") && name != "." {
			return skip(entry)
		}
		info, err := fs.Stat(files, name)
		if err != nil {
			fmt.Fprintf(&text, "%q %v\n", name, err) // it is told of when it is read
			return nil
		}
		if info.IsDir() || !slices.Contains([]string{".rego", ".yaml", ".yml", ".json"}, path.Ext(name)) {
			return nil // what is no policy has no author
		}
		fmt.Fprintf(&text, "%q %d %d\n", name, info.Size(), info.ModTime().UnixNano())
		s.names = append(s.names, name)
		if s.newest == nil || changedAt(info).After(changedAt(s.newest)) {
			s.newest = info
		}
		return nil
	})
	s.seen = sumOf(text.String())
	return s
}

func skip(entry fs.DirEntry) error {
	if entry.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// at is when a file was changed last, zero when there is none.
func (s sight) at() time.Time {
	if s.newest == nil {
		return time.Time{}
	}
	return changedAt(s.newest)
}

// authorSince is who made of a directory what it is now: who owns the file that was changed last. Where files are only gone since it was seen
// before, that says nothing of who took them away. Whoever may write to their directory can: its owner, if that is nobody else, and else
// somebody who is not known.
func (s sight) authorSince(before sight, dir string) string {
	gone := slices.DeleteFunc(slices.Clone(before.names), func(name string) bool { return slices.Contains(s.names, name) })
	switch {
	case len(gone) > 0 && !s.at().After(before.at()):
		return soleWriter(os.DirFS(dir), gone)
	case s.newest == nil:
		return ""
	}
	return ownerOf(s.newest)
}

// soleWriter is who alone may take away any of some files, "" when more than one may.
func soleWriter(files fs.FS, names []string) string {
	var writer string
	for i, name := range names {
		at := path.Dir(name)
		info, err := fs.Stat(files, at)
		for ; err != nil && at != "."; info, err = fs.Stat(files, at) {
			at = path.Dir(at) // it is gone, too
		}
		if err != nil || othersMayWrite(info) {
			return ""
		}
		owner := ownerOf(info)
		if i > 0 && owner != writer {
			return ""
		}
		writer = owner
	}
	return writer
}
