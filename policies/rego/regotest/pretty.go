package regotest

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// pretty writes the report for people: what is bad, why, and one line about all of it.
func (r *Report) pretty(w io.Writer, show Show) error {
	var out strings.Builder
	for _, one := range r.Results {
		if one.Bad() || show.Verbose {
			one.pretty(&out)
		}
	}
	if r.Dropped != nil {
		r.Dropped.pretty(&out, show.Verbose)
	}
	if show.Coverage {
		r.Coverage.pretty(&out)
	}
	fmt.Fprintln(&out, r.Summary())
	_, err := io.WriteString(w, out.String())
	return err
}

func (r Result) pretty(out *strings.Builder) {
	fmt.Fprintf(out, "%s %s\n", strings.ToUpper(string(r.Outcome)), r.title())
	if r.Bad() {
		fmt.Fprintf(out, "  %s:%d\n%s", r.File, r.Line, indented(r.Why))
	}
	if r.Printed != "" {
		fmt.Fprintf(out, "  printed:\n%s", indented(r.Printed))
	}
}

// title names the test among all others.
func (r Result) title() string {
	if strings.HasSuffix(r.Suite, ".json") {
		return r.Suite + ": " + r.Name
	}
	return r.Suite + "." + r.Name
}

func indented(text string) string {
	return "    " + strings.ReplaceAll(text, "\n", "\n    ") + "\n"
}

func (d *Dropped) pretty(out *strings.Builder, verbose bool) {
	if verbose {
		fmt.Fprintf(out, "hidden in turn: %s\n", strings.Join(d.Facts, ", "))
	}
	for _, one := range d.Looser {
		fmt.Fprintf(out, "LOOSER %s:%d\n%s", one.File, one.Line, indented(one.Text))
	}
	if d.LeftOut > 0 {
		fmt.Fprintf(out, "%d inputs of tests were left out: there are more than %d\n", d.LeftOut, maxInputs)
	}
}

func (c Coverage) pretty(out *strings.Builder) {
	columns := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "FILE\tCOVERED\tNO TEST REACHES LINES")
	for _, one := range c.Files {
		fmt.Fprintf(columns, "%s\t%.1f%%\t%s\n", one.File, one.Percent, one.lines())
	}
	fmt.Fprintf(columns, "all\t%.1f%%\n", c.Percent)
	_ = columns.Flush() // to memory
}
