package replay

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
)

// Writer writes a file as Read reads it: a comment, sections, and events as the last of them. The first error ends the writing, and
// Flush tells of it.
type Writer struct {
	out   *bufio.Writer
	lines *json.Encoder
	begun bool // the events have begun
	err   error
}

// NewWriter begins a file with its comment.
func NewWriter(w io.Writer, comment string) *Writer {
	out := &Writer{out: bufio.NewWriterSize(w, 64<<10)}
	out.lines = json.NewEncoder(out.out)
	out.lines.SetEscapeHTML(false)
	out.text("the comment", []byte(comment))
	return out
}

// Config writes the configuration that judges.
func (w *Writer) Config(text []byte) { w.section(sectionConfig, text) }

// Policy writes a file of the rules, by its path below their folder.
func (w *Writer) Policy(name string, text []byte) { w.section(folderPolicies+"/"+name, text) }

// Runbook writes a file of the runbooks, by its path below their folder.
func (w *Writer) Runbook(name string, text []byte) { w.section(folderRunbooks+"/"+name, text) }

// Span says what is to be judged.
func (w *Writer) Span(from, to time.Time) {
	w.section(sectionSpan, fmt.Appendf(nil, "%s\n%s\n", from.UTC().Format(time.RFC3339Nano), to.UTC().Format(time.RFC3339Nano)))
}

// Incidents writes records, as IncidentLine rendered them.
func (w *Writer) Incidents(lines []byte) { w.section(sectionIncidents, lines) }

// Asked writes what policy was asked, as AskedLine rendered it.
func (w *Writer) Asked(lines []byte) { w.section(sectionAsked, lines) }

// Event writes the next event. The first one ends the other sections.
func (w *Writer) Event(ev events.Recorded) {
	w.beginEvents()
	if w.err == nil {
		w.err = w.lines.Encode(tell(ev))
	}
}

// Flush ends the file, writes what was held back, and says what has kept the file from being whole.
func (w *Writer) Flush() error {
	w.beginEvents()
	w.section(sectionEnd, nil)
	if w.err == nil {
		w.err = w.out.Flush()
	}
	return w.err
}

// Err is what has kept the file from being written so far.
func (w *Writer) Err() error { return w.err }

func (w *Writer) beginEvents() {
	if !w.begun {
		w.section(sectionEvents, nil)
		w.begun = true
	}
}

func (w *Writer) section(name string, text []byte) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.out, "-- %s --\n", name)
	}
	w.text(name, text)
}

// text writes the lines of a section. A line that would begin another one cannot be written.
func (w *Writer) text(name string, text []byte) {
	if w.err != nil {
		return
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(bytes.Clone(text), '\n')
	}
	for line := range bytes.Lines(text) {
		if len(line) > maxLine {
			w.err = fmt.Errorf("write %s: it has a line of %d bytes, and no reader takes more than %d: break it", name, len(line), maxLine)
			return
		}
		if _, begins := marker(line); begins {
			w.err = fmt.Errorf("write %s: its line %q would begin another section", name, bytes.TrimSpace(line))
			return
		}
	}
	_, w.err = w.out.Write(text)
}

// MaxSection bounds the sections that are held when a file is read, each of them, in bytes.
const MaxSection = maxSection

// IncidentLine renders a record as a line.
func IncidentLine(rec incident.Sequenced) ([]byte, error) {
	return line(placed{rec.Seq, rec.StoredAt.UTC(), rec.Record})
}

// AskedLine renders what policy was asked and answered, and where that lies, as a line.
func AskedLine(ref string, document json.RawMessage) ([]byte, error) {
	return line(question{ref, document})
}

func line(of any) ([]byte, error) {
	text, err := json.Marshal(of)
	if err != nil {
		return nil, fmt.Errorf("render a line: %w", err)
	}
	return append(text, '\n'), nil
}
