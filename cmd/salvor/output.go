package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/timeline"
)

// output is the form in which a command prints its data.
type output struct{ form string }

// prints adds the flag for the forms of a command's data; "table" is the one for people.
func prints(cmd *cobra.Command, forms ...string) *output {
	o := &output{}
	cmd.Flags().StringVarP(&o.form, "output", "o", forms[0], "form of the data: "+strings.Join(forms, ", "))
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if !slices.Contains(forms, o.form) {
			return usageError{fmt.Errorf("no output form is named %q; there are %s", o.form, strings.Join(forms, ", ")), cmd.CommandPath()}
		}
		return nil
	}
	return o
}

// print writes data as JSON or YAML, or else by the function for people.
func (o *output) print(w io.Writer, data any, people func(io.Writer) error) error {
	switch o.form {
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(data)
	case "yaml":
		text, err := config.YAML(data)
		if err != nil {
			return err
		}
		_, err = w.Write(text)
		return err
	}
	return people(w)
}

// table writes rows under a header, in columns. What is in them is harmless to a terminal.
func table(w io.Writer, header []string, rows [][]string) error {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{header}, rows...) {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = timeline.Plain(cell)
		}
		if _, err := fmt.Fprintln(columns, strings.Join(cells, "\t")); err != nil {
			return err
		}
	}
	return columns.Flush()
}
