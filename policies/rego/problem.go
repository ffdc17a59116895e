package rego

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Problem is one thing wrong with the rules, where it stands.
type Problem struct {
	File string // empty when it is about no file
	Line int
	Text string
}

// String is "zone.rego:14: what is wrong".
func (p Problem) String() string {
	if p.File == "" {
		return p.Text
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text)
}

// problems collects what is wrong, so that an author sees all of it at once.
type problems []Problem

// Problems are what an error of this package says is wrong with the rules, in order of file and line; none when it is about something
// else.
func Problems(err error) []Problem {
	var found problems
	errors.As(err, &found)
	return found
}

func (p *problems) add(at *ast.Location, format string, args ...any) {
	found := Problem{Text: fmt.Sprintf(format, args...)}
	if at != nil {
		found.File, found.Line = at.File, at.Row
	}
	*p = append(*p, found)
}

// err is the list as an error, in order of file and line, each said once; nil when nothing is wrong.
func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	slices.SortFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Text, b.Text))
	})
	return slices.Compact(p)
}

// Error lists one problem a line, as "zone.rego:14: what is wrong".
func (p problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}
