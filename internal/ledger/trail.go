package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
)

// maxEntry bounds one entry of a trail as JSON, in bytes.
const maxEntry = 64 << 10

// TrailEntry is one thing that somebody or something did to Salvor itself.
type TrailEntry struct {
	Kind   string          `json:"kind"`
	At     time.Time       `json:"at"`
	Who    string          `json:"who"`              // a person, or the replica where nobody asked for it
	Text   string          `json:"text"`             // a sentence
	Detail json.RawMessage `json:"detail,omitempty"` // what programs read of it
}

// trailRecord is an entry as it is stored.
type trailRecord struct {
	signature
	Prev string `json:"prev"` // SHA-256 of the entry before as it is stored, in hex; "" in the first
	TrailEntry
}

// Placed is an entry where it lies in its trail.
type Placed struct {
	TrailEntry
	Seq      uint64
	StoredAt time.Time // zero of an entry that was just appended
	Writer   string
	Prev     string
	Sum      string // SHA-256 of Raw, in hex: the Prev of the next entry
	Raw      []byte // the entry as it is stored
}

// AppendTrail appends an entry to a trail whose last entry has the sequence after, 0 being none. Names of trails are of lower case
// letters. ErrLost means that somebody was faster: read the trail and judge again. After an events.ErrUnavailable it may be there
// or even come later; appending it again at the same place is safe, and is refused then.
func (l *Ledger) AppendTrail(ctx context.Context, trail string, after uint64, e TrailEntry) (Placed, error) {
	placed, err := l.appendTrail(ctx, trail, after, e)
	if errors.Is(err, errRefused) {
		err = ErrLost
	}
	if err != nil {
		return Placed{}, fmt.Errorf("append %s to trail %s: %w", e.Kind, trail, err)
	}
	return placed, nil
}

func (l *Ledger) appendTrail(ctx context.Context, trail string, after uint64, e TrailEntry) (Placed, error) {
	subject, err := trailSubject(trail)
	if err != nil {
		return Placed{}, err
	}
	prev, err := l.sumAt(ctx, subject, after)
	if err != nil {
		return Placed{}, err
	}
	rec := trailRecord{l.sign(), prev, e}
	data, err := Document(rec)
	if err != nil {
		return Placed{}, err
	}
	if len(data) > maxEntry {
		return Placed{}, fmt.Errorf("it is %d bytes, at most %d are stored", len(data), maxEntry)
	}
	seq, err := l.store(ctx, rec.Nonce, write{subject: subject, expect: after, data: data})
	if err != nil {
		return Placed{}, err
	}
	return placed(stored{Subject: subject, Seq: seq, Data: data})
}

// sumAt is the hash of the last entry of a trail, whose sequence is to be after.
func (l *Ledger) sumAt(ctx context.Context, subject string, after uint64) (string, error) {
	if after == 0 {
		return "", nil // the write itself finds out that there is one
	}
	last, err := l.last(ctx, subject)
	switch {
	case err != nil:
		return "", err
	case last == nil || last.Seq != after:
		return "", errRefused
	}
	return incident.SumOf(last.Data), nil
}

// Trail reads all entries of a trail in order. It looks at no hash: who audits does. An entry of another version is an ErrNewer.
func (l *Ledger) Trail(ctx context.Context, trail string) ([]Placed, error) {
	subject, err := trailSubject(trail)
	if err != nil {
		return nil, fmt.Errorf("read trail %s: %w", trail, err)
	}
	history, err := l.history(ctx, subject)
	if err != nil {
		return nil, fmt.Errorf("read trail %s: %w", trail, err)
	}
	var all []Placed
	for _, msg := range history {
		entry, err := placed(msg)
		if err != nil {
			return nil, fmt.Errorf("read trail %s: %w", trail, err)
		}
		all = append(all, entry)
	}
	return all, nil
}

// TrailEnd is the sequence of the last entry of a trail, 0 when there is none.
func (l *Ledger) TrailEnd(ctx context.Context, trail string) (uint64, error) {
	subject, err := trailSubject(trail)
	if err != nil {
		return 0, fmt.Errorf("look at trail %s: %w", trail, err)
	}
	last, err := l.last(ctx, subject)
	if err != nil {
		return 0, fmt.Errorf("look at trail %s: %w", trail, err)
	}
	if last == nil {
		return 0, nil
	}
	return last.Seq, nil
}

func placed(msg stored) (Placed, error) {
	var rec trailRecord
	if err := decode(&msg, &rec); err != nil {
		return Placed{}, err
	}
	return Placed{rec.TrailEntry, msg.Seq, msg.At, rec.Writer, rec.Prev, incident.SumOf(msg.Data), msg.Data}, nil
}

func trailSubject(trail string) (string, error) {
	if trail == "" || strings.Trim(trail, "abcdefghijklmnopqrstuvwxyz") != "" {
		return "", fmt.Errorf("%q is no name of a trail", trail)
	}
	return trailPrefix + trail, nil
}
