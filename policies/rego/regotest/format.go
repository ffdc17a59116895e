package regotest

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Format is a form in which a report is written.
type Format string

// The formats. GitHub's is workflow commands, which it shows beside the lines of a change.
const (
	Pretty Format = "pretty"
	JSON   Format = "json"
	JUnit  Format = "junit"
	GitHub Format = "github"
)

// Formats are all of them, the one for people first.
func Formats() []Format { return []Format{Pretty, JSON, JUnit, GitHub} }

// Show says what is written for people and for GitHub. The other formats hold all that they can.
type Show struct {
	Dir      string // the author's directory: where GitHub finds its files
	Verbose  bool   // also the tests that passed, and which facts were hidden
	Coverage bool
}

// Write writes the report.
func (r *Report) Write(w io.Writer, as Format, show Show) error {
	switch as {
	case JSON:
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		return out.Encode(r)
	case JUnit:
		return r.junit(w)
	case GitHub:
		return r.github(w, show)
	}
	return r.pretty(w, show)
}

// Summary is one line about all of it.
func (r *Report) Summary() string {
	parts := []string{fmt.Sprintf("%d passed", r.Count(Passed))}
	for _, one := range []struct {
		outcome Outcome
		words   string
	}{{Failed, "failed"}, {Broken, "could not be evaluated"}, {Skipped, "skipped"}} {
		if n := r.Count(one.outcome); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, one.words))
		}
	}
	if r.Dropped != nil {
		parts = append(parts, fmt.Sprintf("%d facts hidden in %d questions: %d looser", len(r.Dropped.Facts), r.Dropped.Questions, len(r.Dropped.Looser)))
	}
	return strings.Join(parts, ", ")
}

// lines are the lines that no test reaches, as "14-16, 20".
func (f FileCoverage) lines() string {
	parts := make([]string, len(f.NotReached))
	for i, one := range f.NotReached {
		parts[i] = fmt.Sprint(one.From)
		if one.To > one.From {
			parts[i] = fmt.Sprintf("%d-%d", one.From, one.To)
		}
	}
	return strings.Join(parts, ", ")
}
