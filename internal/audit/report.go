package audit

import (
	"fmt"
	"strings"
	"time"
)

// Report is what came of checking an audit.
type Report struct {
	Begin
	Count
	Unchained int     `json:"unchained"` // records and documents that were written before there was a chain: nothing is known of them
	Aged      int     `json:"aged"`      // documents that are gone after their time, as they should be
	Unstored  int     `json:"unstored"`  // documents of steps whose writer was lost: they were never stored, or are gone
	Breaks    []Break `json:"breaks"`    // in the order in which they were found
	Heads     []Head  `json:"-"`
}

// Break is a place where what is kept does not fit together.
type Break struct {
	Of   string `json:"of"` // the incident or the trail; "signature", or "audit" where it is about all of it
	Seq  uint64 `json:"seq,omitempty"`
	Kind string `json:"kind,omitempty"` // of the record or entry, as far as it can be read
	What string `json:"what"`
}

// Head is what an incident or a trail ended with.
type Head struct {
	Of          string
	Seq         uint64
	Sum         string
	First, Last time.Time // when its first and its last record were stored
	Trail       bool
}

// Whole says that nothing was found.
func (r Report) Whole() bool { return len(r.Breaks) == 0 }

// Sentence is the report in one line.
func (r Report) Sentence() string {
	text := r.sentence()
	if r.Only != "" {
		text, _, _ = strings.Cut(text, ", "+counted(r.Trails, "trail"))
	}
	if r.Whole() {
		return text + ": all chained"
	}
	return text + ": " + counted(len(r.Breaks), "break")
}

// sentence is what was counted, as people read it.
func (c Count) sentence() string {
	return fmt.Sprintf("%s, %s, %s, %s with %s", counted(c.Incidents, "incident"), counted(c.Records, "record"), counted(c.Documents, "decision"),
		counted(c.Trails, "trail"), counted(c.Entries, "entry"))
}

// Notes say what is no break and worth knowing.
func (r Report) Notes() []string {
	var notes []string
	for _, note := range []struct {
		n    int
		what string
	}{
		{r.Unchained, "%d records and decisions are older than the chain, and nothing is known of them"},
		{r.Aged, "%d decisions are gone, after the time for which they are kept"},
		{r.Unstored, "%d questions of steps whose process died before it wrote to the world are not there: they may never have been stored"},
	} {
		if note.n > 0 {
			notes = append(notes, fmt.Sprintf(note.what, note.n))
		}
	}
	return notes
}

func counted(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "y"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(what, "y"))
	}
	return fmt.Sprintf("%d %ss", n, what)
}
