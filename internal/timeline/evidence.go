package timeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/classifiers"
)

// maxEvents is how many events of the evidence are named. Of more, the rest are counted.
const maxEvents = 3

// evidence names the first events with when and what they said, or by their ids alone where that is not known.
func evidence(f *classifiers.Fault) []string {
	if len(f.Evidence) == 0 {
		return nil
	}
	ids := f.Evidence[:min(len(f.Evidence), maxEvents)]
	text := "evidence: " + strings.Join(plainAll(ids), ", ")
	if more := len(f.Evidence) - len(ids); more > 0 {
		text += fmt.Sprintf(" and %s more", counted(more, "event"))
	}
	if len(f.Told) == 0 {
		return []string{text}
	}
	out := []string{"evidence"}
	for _, id := range ids {
		line := Plain(id)
		if text := said(f, id); text != "" {
			line = fmt.Sprintf("%s (%s)", Plain(text), line)
		}
		out = append(out, "  "+line)
	}
	if more := len(f.Evidence) - len(ids); more > 0 {
		out = append(out, "  and "+counted(more, "event")+" more")
	}
	return out
}

// said is when an event of the evidence came and what it said; empty when that is not known. The day is told when it is not that of the
// fault.
func said(f *classifiers.Fault, id string) string {
	at := slices.IndexFunc(f.Told, func(t classifiers.Told) bool { return t.ID == id })
	if at < 0 {
		return ""
	}
	told := f.Told[at]
	when := clock(told.At)
	if day(told.At) != day(f.Since) {
		when = moment(told.At)
	}
	return when + " " + told.Text
}

// unmatched are the rules that did not match, and by how much, in columns.
func unmatched(misses []classifiers.Miss) []string {
	if len(misses) == 0 {
		return nil
	}
	width := 0
	for _, m := range misses {
		width = max(width, len(Plain(m.Rule)))
	}
	out := []string{"not because of"}
	for _, m := range misses {
		out = append(out, fmt.Sprintf("  %-*s  %s", width, Plain(m.Rule), Plain(m.Text)))
	}
	return out
}
