package timeline

import (
	"fmt"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
)

// entry is one thing that happened: when, a word for the eye, a sentence, and what explains it.
type entry struct {
	at   time.Time
	verb string // at most 9 characters
	text string
	more []string
}

const (
	indent  = "                   " // as wide as time and verb
	columns = 110                   // a line is broken before it is wider, where it has a space
)

// write writes the entry as lines of a terminal.
func (e entry) write(out *strings.Builder) {
	for i, line := range wrap(e.text) {
		if i == 0 {
			fmt.Fprintf(out, "%s %-9s %s\n", clock(e.at), e.verb, line)
			continue
		}
		out.WriteString(indent + line + "\n")
	}
	for _, more := range e.more {
		for _, line := range wrap(more) {
			out.WriteString(indent + line + "\n")
		}
	}
}

// wrap breaks text into lines that fit beside the indent; what follows the first is set in further than it.
func wrap(text string) []string {
	const width = columns - len(indent)
	hang := text[:len(text)-len(strings.TrimLeft(text, " "))] + "  "
	var lines []string
	for len(text) > width {
		cut := strings.LastIndexByte(text[:width+1], ' ')
		if cut <= len(hang) {
			break // one long word
		}
		lines = append(lines, text[:cut])
		text = hang + strings.TrimLeft(text[cut:], " ")
	}
	return append(lines, text)
}

// flat is the entry as one line without its time: with the first of what explains it.
func (e entry) flat() string {
	text := e.verb + " " + e.text
	if len(e.more) > 0 && !strings.HasSuffix(text, ":") {
		text += ";"
	}
	if len(e.more) > 0 {
		text += " " + e.more[0]
	}
	return strings.Join(strings.Fields(text), " ")
}

// When is the time of a record for people: when it was stored, or what it was judged at where that is not known.
func When(rec incident.Sequenced) time.Time {
	if rec.StoredAt.IsZero() {
		return rec.At
	}
	return rec.StoredAt
}
