package rollout

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/policies/rego"
)

const (
	dirEvery = time.Second
	dirAnew  = time.Minute // after which a directory is read though nothing about its files has changed
	maxWalk  = 5000        // names that one look sees of a directory; what is larger is refused when it is read
)

// Dir is the source that reads a directory beside the shipped rules. What it gives was read twice, with the same result, so that nothing
// half-written is offered. Its author is who owns the file that was changed last.
type Dir struct {
	Path    string
	Shipped rego.Source

	seen    string // names, sizes and times of the files, as they were when it was read last
	at      time.Time
	digest  string // of what was read last
	settled bool   // that was read twice
	holds   Candidate
	err     error
}

// Every implements Source.
func (d *Dir) Every() time.Duration { return dirEvery }

// Look implements Source. Files whose names, sizes and times are as they were are read once a minute.
func (d *Dir) Look(ctx context.Context) (Candidate, error) {
	seen, author := d.survey()
	if d.settled && seen == d.seen && time.Since(d.at) < dirAnew {
		return d.holds, d.err
	}
	read, err := rego.Read(ctx, []rego.Source{d.Shipped, {Name: d.Path, Files: os.DirFS(d.Path)}})
	if ctx.Err() != nil {
		return Candidate{}, ctx.Err()
	}
	digest := read.Digest()
	if err != nil {
		digest = sumOf(err.Error())
		err = &UnfitError{d.Path, digest, err}
	}
	d.settled = digest == d.digest && seen == d.seen
	d.seen, d.digest, d.at = seen, digest, time.Now()
	if !d.settled {
		return Candidate{}, errUnsettled
	}
	d.holds, d.err = Candidate{read, d.Path, author}, err
	return d.holds, d.err
}

// survey is what can be seen of the files without reading them, and who owns the newest. Links are followed, since a mounted ConfigMap is
// made of them.
func (d *Dir) survey() (seen, author string) {
	var text strings.Builder
	var newest fs.FileInfo
	files, names := os.DirFS(d.Path), 0
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
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
		if newest == nil || changedAt(info).After(changedAt(newest)) {
			newest = info
		}
		return nil
	})
	if err == nil && newest != nil {
		author = ownerOf(newest)
	}
	return sumOf(text.String()), author
}

func skip(entry fs.DirEntry) error {
	if entry.IsDir() {
		return fs.SkipDir
	}
	return nil
}

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
