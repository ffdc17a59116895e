package config

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a file, or worth a look.
type Problem struct {
	File string
	Line int    // 0 when it is about the whole file
	Key  string // "clusters[0].modes.node"; "" when it is about the whole file
	Why  string // what is wrong, and why
	Do   string // what to do
}

// String is the problem on one line: "salvor.yaml:12: clusters[0].name: ...; ...".
func (p Problem) String() string {
	var out strings.Builder
	out.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&out, ":%d", p.Line)
	}
	out.WriteString(": ")
	if p.Key != "" {
		out.WriteString(p.Key + ": ")
	}
	out.WriteString(p.Why)
	if p.Do != "" {
		out.WriteString("; " + p.Do)
	}
	return out.String()
}

// Problems are all that is wrong with a file, in the order of its lines.
type Problems []Problem

// Error lists the problems, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

func (ps Problems) sort() {
	slices.SortStableFunc(ps, func(a, b Problem) int { return a.Line - b.Line })
}
