package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
)

// Schema is the version of audits that this code writes and reads.
const Schema = 1

// Is says what a line is.
type Is string

// The lines of an audit in their order: of each incident its records, then its documents; then trails. Heads and a signature are added
// by whoever exports it.
const (
	IsBegin       Is = "audit"
	IsRecord      Is = "record"       // of an incident
	IsUnread      Is = "unread"       // an incident whose records are there and cannot be read
	IsDocument    Is = "document"     // of what policy was asked
	IsEntry       Is = "entry"        // of a trail
	IsUnreadTrail Is = "unread_trail" // a trail whose entries are there and cannot be read
	IsEnd         Is = "end"          // of what the server says
	IsHead        Is = "head"         // what an incident or a trail ended with
	IsSignature   Is = "signature"    // over all lines before it
)

// Line is one line of an audit.
type Line struct {
	Is       Is        `json:"is"`
	Of       string    `json:"of,omitempty"` // the incident, the reference of the document, or the trail
	Seq      uint64    `json:"seq,omitempty"`
	StoredAt time.Time `json:"stored_at,omitzero"`
	Mark     string    `json:"mark,omitempty"`
	Bytes    []byte    `json:"bytes,omitempty"` // as they are stored
	Sum      string    `json:"sum,omitempty"`   // IsHead
	Why      string    `json:"why,omitempty"`   // IsUnread, IsUnreadTrail

	Begin     *Begin     `json:"begin,omitempty"`
	Count     *Count     `json:"count,omitempty"` // IsEnd
	Signature *Signature `json:"signature,omitempty"`
}

// Begin says what an audit holds.
type Begin struct {
	Schema     int         `json:"schema"`
	Version    string      `json:"version"`               // of the Salvor that wrote it
	At         time.Time   `json:"at"`                    // when
	From       time.Time   `json:"from,omitzero"`         // incidents that had a record then or later, and
	To         time.Time   `json:"to"`                    // one before this
	Only       incident.ID `json:"incident,omitempty"`    // the only one that it is about; no trails then
	OnlyTrails bool        `json:"only_trails,omitempty"` // it is about trails alone
	KeptDays   int         `json:"kept_days"`             // how long what has ended is kept
}

// Count is how many lines there are of each kind.
type Count struct {
	Incidents int `json:"incidents"`
	Records   int `json:"records"`
	Documents int `json:"documents"`
	Trails    int `json:"trails"`
	Entries   int `json:"entries"`
}

// maxLine bounds a line, in bytes: what is stored is at most half of it.
const maxLine = 2 << 20

// ErrForm is wrapped by errors about what is no audit, or not a whole one.
var ErrForm = errors.New("this is no audit that can be read")

// eachLine gives the lines of an audit, each with its bytes and the end of the line. What it gives stands until the next line.
func eachLine(r io.Reader, take func(Line, []byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	lines.Split(wholeLine)
	n := 0
	for lines.Scan() {
		n++
		var line Line
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return fmt.Errorf("line %d: %w: %w", n, ErrForm, err)
		}
		if err := take(line, lines.Bytes()); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("line %d: %w: it is longer than %d bytes", n+1, ErrForm, maxLine)
	}
	return lines.Err()
}

// wholeLine splits after each end of a line, so that no byte is lost. It implements bufio.SplitFunc.
func wholeLine(data []byte, atEOF bool) (int, []byte, error) {
	if at := bytes.IndexByte(data, '\n'); at >= 0 {
		return at + 1, data[:at+1], nil
	}
	if atEOF && len(data) > 0 {
		return 0, nil, fmt.Errorf("%w: it is cut off within a line", ErrForm)
	}
	return 0, nil, nil
}

func write(w io.Writer, line Line) error {
	text, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("render a line: %w", err)
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// linked is what is read of a record or an entry to see where it belongs.
type linked struct {
	Kind    string          `json:"kind"`
	Prev    string          `json:"prev"`
	Gate    *incident.Asked `json:"gate"`
	Decided *struct {
		incident.Asked
		Beside []incident.Asked `json:"beside"`
	} `json:"decided"`
}

// documents are those that a record names.
func (l linked) documents() []incident.Asked {
	var named []incident.Asked
	if l.Decided != nil && l.Decided.Ref != "" {
		named = append([]incident.Asked{l.Decided.Asked}, l.Decided.Beside...)
	}
	if l.Gate != nil {
		named = append(named, *l.Gate)
	}
	return named
}
