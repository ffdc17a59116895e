package rego

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// problem is one thing wrong with the rules, where it stands.
type problem struct {
	file string
	line int
	text string
}

// problems collects what is wrong, so that an author sees all of it at once.
type problems []problem

func (p *problems) add(at *ast.Location, format string, args ...any) {
	found := problem{text: fmt.Sprintf(format, args...)}
	if at != nil {
		found.file, found.line = at.File, at.Row
	}
	*p = append(*p, found)
}

// err is the list as an error, in order of file and line, each said once; nil when nothing is wrong.
func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	slices.SortFunc(p, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line), cmp.Compare(a.text, b.text))
	})
	return slices.Compact(p)
}

// Error lists one problem a line, as "zone.rego:14: what is wrong".
func (p problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.text
		if one.file != "" {
			lines[i] = fmt.Sprintf("%s:%d: %s", one.file, one.line, one.text)
		}
	}
	return strings.Join(lines, "\n")
}
