package replay

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/scene"
)

// The sections of a file, in the txtar format: a comment, and behind it files of these names. There is a scene or there are
// events; Events is the last of a file, since it may be too large to be held.
const (
	sectionConfig    = "salvor.yaml"     // what judges: see config.Config
	sectionSpan      = "span"            // two times, one a line: what lies between is judged, what comes before is history
	sectionScene     = "scene"           // what happens, see package scene
	sectionIncidents = "incidents.jsonl" // one record a line, as it was recorded
	sectionAsked     = "asked.jsonl"     // what policy was asked and answered, one document a line
	sectionWant      = "want"            // what a replay is to print
	sectionEvents    = "events.jsonl"    // one event a line, in order
	sectionEnd       = "end"             // behind the events: the file is whole
	folderPolicies   = "policies"        // rules beside the shipped ones
	folderRunbooks   = "runbooks"        // runbooks beside the shipped ones
)

const (
	maxSection = 64 << 20 // bytes of a section that is held
	maxLine    = 2 << 20  // bytes of a line
)

// File is an input of a replay: a scene that a person wrote, or what was exported.
type File struct {
	Comment   string
	Config    []byte // nil: the file brings none
	Scene     []byte // nil: the file holds events
	Want      []byte // nil: nothing is wanted of it
	Incidents []incident.Sequenced
	Asked     map[string]json.RawMessage // by reference
	From, To  time.Time                  // the span that was exported; zero when the file does not say

	folders txtar.Archive
	events  *lines
	ended   bool // the end was read
}

// ErrNotWhole says that the end of a recording is not there: it was cut off, or its export did not come to an end.
var ErrNotWhole = errors.New("the file ends before its recording does")

// Read reads a file, gzipped or not, up to its events.
func Read(r io.Reader) (*File, error) {
	in, err := lined(r)
	if err != nil {
		return nil, err
	}
	f := &File{Asked: map[string]json.RawMessage{}}
	name, text := "", []byte{}
	for {
		line, err := in.next()
		next, header := marker(line)
		if err != nil || header {
			if bad := f.take(name, text); bad != nil {
				return nil, bad
			}
			name, text = next, nil
		}
		switch {
		case errors.Is(err, io.EOF):
			return f, f.whole()
		case err != nil:
			return nil, err
		case header && next == sectionEvents:
			f.events = in
			return f, f.whole()
		case !header:
			if text = append(text, line...); len(text) > maxSection {
				return nil, fmt.Errorf("section %q is larger than %d bytes", name, maxSection)
			}
		}
	}
}

// marker says whether a line begins a section, and which.
func marker(line []byte) (name string, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte("-- ")) // few lines are: most are events, which are long and many
	if !ok {
		return "", false
	}
	s, ok := strings.CutSuffix(strings.TrimRight(string(rest), "\r\n"), " --")
	return strings.TrimSpace(s), ok
}

// take takes in a section. The text before the first is the comment.
func (f *File) take(name string, text []byte) error {
	switch folder, _, _ := strings.Cut(name, "/"); {
	case name == "":
		f.Comment = string(text)
	case name == sectionConfig:
		f.Config = text
	case name == sectionSpan:
		return f.span(text)
	case name == sectionScene:
		f.Scene = text
	case name == sectionWant:
		f.Want = text
	case name == sectionIncidents:
		return eachLine(name, text, f.incident)
	case name == sectionAsked:
		return eachLine(name, text, f.asked)
	case (folder == folderPolicies || folder == folderRunbooks) && folder != name && fs.ValidPath(name):
		f.folders.Files = append(f.folders.Files, txtar.File{Name: name, Data: text})
	default:
		return fmt.Errorf("%q is no section of a replay", name)
	}
	return nil
}

func (f *File) span(text []byte) error {
	var ends [2]time.Time
	words := strings.Fields(string(text))
	if len(words) != len(ends) {
		return fmt.Errorf("%s: want two times, not %d words", sectionSpan, len(words))
	}
	for i, word := range words {
		if err := ends[i].UnmarshalText([]byte(word)); err != nil {
			return fmt.Errorf("%s: %w", sectionSpan, err)
		}
	}
	f.From, f.To = ends[0], ends[1]
	return nil
}

// Recorded says that the file holds what was recorded, and not a scene.
func (f *File) Recorded() bool { return f.events != nil }

func (f *File) whole() error {
	if (f.Scene == nil) == (f.events == nil) {
		return fmt.Errorf("want either a section %q or a section %q, which comes last", sectionScene, sectionEvents)
	}
	return nil
}

// Folder is a folder of the file, policies or runbooks; nil when there is none.
func (f *File) Folder(name string) (fs.FS, error) {
	part := txtar.Archive{}
	for _, file := range f.folders.Files {
		if rest, ok := strings.CutPrefix(file.Name, name+"/"); ok {
			part.Files = append(part.Files, txtar.File{Name: rest, Data: file.Data})
		}
	}
	if len(part.Files) == 0 {
		return nil, nil
	}
	return txtar.FS(&part)
}

func eachLine(name string, text []byte, take func([]byte) error) error {
	for n, line := range bytes.Split(text, []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := take(line); err != nil {
			return fmt.Errorf("%s line %d: %w", name, n+1, err)
		}
	}
	return nil
}

// placed is a record as a line.
type placed struct {
	Seq      uint64    `json:"seq"`
	StoredAt time.Time `json:"stored_at"`
	incident.Record
}

func (f *File) incident(line []byte) error {
	var rec placed
	if err := json.Unmarshal(line, &rec); err != nil {
		return err
	}
	f.Incidents = append(f.Incidents, incident.Sequenced{Record: rec.Record, Seq: rec.Seq, StoredAt: rec.StoredAt})
	return nil
}

// question is what policy was asked, as a line.
type question struct {
	Ref      string          `json:"ref"`
	Document json.RawMessage `json:"document"`
}

func (f *File) asked(line []byte) error {
	var q question
	if err := json.Unmarshal(line, &q); err != nil {
		return err
	}
	f.Asked[q.Ref] = q.Document
	return nil
}

// Event is the next event of the file, io.EOF when there is none any more. It returns each once. Whether its payload is one, whoever
// decodes it finds out.
func (f *File) Event() (events.Recorded, error) {
	if f.ended {
		return events.Recorded{}, io.EOF
	}
	line, err := f.events.next()
	switch name, header := marker(line); {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return events.Recorded{}, f.inEvents(ErrNotWhole)
	case err != nil:
		return events.Recorded{}, err
	case header && name == sectionEnd:
		return events.Recorded{}, f.end()
	}
	if ev, ok := scanEvent(line); ok {
		return ev, nil
	}
	var t told
	switch err := json.Unmarshal(line, &t); {
	case err != nil && !bytes.HasSuffix(line, []byte("\n")): // it was cut off within the line
		return events.Recorded{}, f.inEvents(ErrNotWhole)
	case err != nil:
		return events.Recorded{}, f.inEvents(err)
	}
	return t.recorded(), nil
}

// end is io.EOF where nothing stands behind the end.
func (f *File) end() error {
	if _, err := f.events.next(); !errors.Is(err, io.EOF) {
		return f.inEvents(errors.New("something stands behind the end of the recording"))
	}
	f.ended = true
	return io.EOF
}

func (f *File) inEvents(err error) error {
	return fmt.Errorf("%s line %d: %w", sectionEvents, f.events.n, err)
}

// Steps are what happens in the scene of the file.
func (f *File) Steps() ([]scene.Step, error) { return scene.Parse(f.Scene) }

// lines reads line by line.
type lines struct {
	r    *bufio.Reader
	n    int    // lines read
	held []byte // a line that is longer than the buffer
}

// lined reads lines, and unpacks what is gzipped.
func lined(r io.Reader) (*lines, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	if magic, err := in.Peek(2); err != nil || magic[0] != 0x1f || magic[1] != 0x8b {
		return &lines{r: in}, nil
	}
	unpacked, err := gzip.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return &lines{r: bufio.NewReaderSize(unpacked, 64<<10)}, nil
}

// next is the next line with its end. What it gives stands until the next call.
func (l *lines) next() ([]byte, error) {
	line, err := l.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line, err = l.long(line)
	}
	if err == nil || errors.Is(err, io.EOF) && len(line) > 0 {
		l.n++
		return line, nil
	}
	return nil, err
}

// long is the rest of a line that is longer than the buffer, behind its beginning.
func (l *lines) long(begin []byte) ([]byte, error) {
	l.held = append(l.held[:0], begin...)
	for {
		part, err := l.r.ReadSlice('\n')
		if l.held = append(l.held, part...); len(l.held) > maxLine {
			return nil, fmt.Errorf("line %d is longer than %d bytes", l.n+1, maxLine)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return l.held, err
		}
	}
}
