package export

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// maxFolder bounds the files of a folder, together, in bytes.
const maxFolder = 8 << 20

// page is a file of a folder.
type page struct {
	name string // its path below the folder
	text []byte
}

// directory reads the files with one of the extensions below a directory, "" being none.
func directory(dir string, extensions ...string) ([]page, error) {
	if dir == "" {
		return nil, nil
	}
	pages, err := folder(os.DirFS(dir), extensions...)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", dir, err)
	}
	return pages, nil
}

// folder reads the files with one of the extensions, of nil none. Hidden ones are left out, as they are by who judges by them.
func folder(files fs.FS, extensions ...string) ([]page, error) {
	if files == nil {
		return nil, nil
	}
	size := 0
	var out []page
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && name != "."
		switch {
		case entry.IsDir() && hidden:
			return fs.SkipDir
		case entry.IsDir() || hidden || !slices.Contains(extensions, path.Ext(name)):
			return nil
		}
		text, err := bounded(files, name, maxFolder-size)
		if err != nil {
			return err
		}
		size += len(text)
		out = append(out, page{name, text})
		return nil
	})
	return out, err
}

func bounded(files fs.FS, name string, most int) ([]byte, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	text, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	if err == nil && len(text) > most {
		err = fmt.Errorf("%s and the files before it are larger than %d bytes", name, maxFolder)
	}
	return text, err
}
