package rollout

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"time"

	"github.com/salvor-io/salvor/policies/rego"
)

const (
	dirEvery = time.Second
	dirAnew  = time.Minute // after which a directory is read though nothing about its files has changed
)

// Dir is the source that reads a directory beside the shipped rules. What it gives was read twice, with the same result, so that nothing
// half-written is offered. Its author is who owns the file that was changed last, or who alone may take away what is gone.
type Dir struct {
	Path    string
	Shipped rego.Source

	seen    string // names, sizes and times of the files, as they were when it was read last
	known   sight  // what was to be seen when what it holds became certain
	at      time.Time
	digest  string // of what was read last
	settled bool   // that was read twice
	certain string // digest of what it held when that was certain last
	holds   Candidate
	err     error
}

// Every implements Source.
func (d *Dir) Every() time.Duration { return dirEvery }

// Look implements Source. Files whose names, sizes and times are as they were are read once a minute.
func (d *Dir) Look(ctx context.Context) (Candidate, error) {
	now := survey(d.Path)
	if d.settled && now.seen == d.seen && time.Since(d.at) < dirAnew {
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
	d.settled = digest == d.digest && now.seen == d.seen
	d.seen, d.digest, d.at = now.seen, digest, time.Now()
	if !d.settled {
		return Candidate{}, errUnsettled
	}
	author := d.holds.Author
	if digest != d.certain {
		author = now.authorSince(d.known, d.Path)
	}
	d.known, d.certain = now, digest
	d.holds, d.err = Candidate{Policy: read, Source: d.Path, Author: author}, err
	return d.holds, d.err
}

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
