package regotest

import (
	"fmt"
	"io"
	"path"
	"strings"
)

// github writes a command for each thing that is bad, which GitHub shows beside its line, and the summary as plain text.
func (r *Report) github(w io.Writer, show Show) error {
	var out strings.Builder
	for _, one := range r.Results {
		if one.Bad() {
			fmt.Fprintln(&out, annotation{"error", show.Dir, one.File, one.Line, one.Line, one.title()}.says(one.Why))
		}
	}
	if r.Dropped != nil {
		for _, one := range r.Dropped.Looser {
			fmt.Fprintln(&out, annotation{"error", show.Dir, one.File, one.Line, one.Line, "looser"}.says(one.Text))
		}
	}
	if show.Coverage {
		for _, one := range r.Coverage.Files {
			for _, lines := range one.NotReached {
				fmt.Fprintln(&out, annotation{"warning", show.Dir, one.File, lines.From, lines.To, "coverage"}.says("no test reaches this"))
			}
		}
		fmt.Fprintf(&out, "%.1f%% of the lines are covered\n", r.Coverage.Percent)
	}
	fmt.Fprintln(&out, r.Summary())
	_, err := io.WriteString(w, out.String())
	return err
}

// annotation is where a command of GitHub's belongs.
type annotation struct {
	level, dir, file string
	from, to         int
	title            string
}

// says is the command, in which nothing can end it early or begin another.
func (a annotation) says(text string) string {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	return fmt.Sprintf("::%s file=%s,line=%d,endLine=%d,title=%s::%s", a.level,
		property.Replace(path.Join(a.dir, a.file)), a.from, a.to, property.Replace(a.title), data.Replace(text))
}
