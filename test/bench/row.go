package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// goal is what a figure is to reach.
type goal struct {
	better string // "lower" or "higher"
	limit  *float64
}

func atMost(limit float64) goal  { return goal{"lower", &limit} }
func atLeast(limit float64) goal { return goal{"higher", &limit} }

// lower is no goal: the figure is worth knowing.
func lower() goal { return goal{better: "lower"} }

func (g goal) String() string {
	switch {
	case g.limit == nil:
		return "-"
	case g.better == "higher":
		return fmt.Sprintf(">= %g", *g.limit)
	}
	return fmt.Sprintf("<= %g", *g.limit)
}

// met says whether a value reaches the goal, nil when there is none.
func (g goal) met(value float64) *bool {
	if g.limit == nil {
		return nil
	}
	met := value <= *g.limit
	if g.better == "higher" {
		met = value >= *g.limit
	}
	return &met
}

// row is one figure. Its JSON form is what bench.json holds.
type row struct {
	Name   string   `json:"name"`
	Value  float64  `json:"value"`
	Unit   string   `json:"unit"`
	Goal   *float64 `json:"goal"` // null when there is none
	Better string   `json:"better"`
	Met    *bool    `json:"met"` // null when there is no goal
	N      int      `json:"n"`
	Min    float64  `json:"min"`
	Max    float64  `json:"max"`

	goal     goal
	compared string // with what, in one line
}

func newRow(name, unit string, g goal, f figure, compared string) row {
	return row{Name: name, Value: f.value, Unit: unit, Goal: g.limit, Better: g.better, Met: g.met(f.value),
		N: f.n, Min: f.min, Max: f.max, goal: g, compared: compared}
}

// butLost is the row when events were lost: speed that is bought with loss reaches no goal.
func (r row) butLost(events int) row {
	if events > 0 && r.Met != nil {
		missed := false
		r.Met = &missed
	}
	return r
}

const layout = "%-23s %10s %-6s %-8s %-7s %5s %10s %10s\n"

// header is the head of the table.
func header() string {
	return fmt.Sprintf(layout, "name", "value", "unit", "goal", "met", "n", "min", "max")
}

// String is the row in the table, with what was compared on a line of its own.
func (r row) String() string {
	met := "-"
	switch {
	case r.Met != nil && *r.Met:
		met = "yes"
	case r.Met != nil:
		met = "MISSED"
	}
	return fmt.Sprintf(layout, r.Name, short(r.Value), r.Unit, r.goal, met, fmt.Sprint(r.N), short(r.Min), short(r.Max)) +
		"    " + r.compared + "\n"
}

// short is a figure with three digits that mean something.
func short(value float64) string {
	switch {
	case value >= 100:
		return fmt.Sprintf("%.0f", value)
	case value >= 10:
		return fmt.Sprintf("%.1f", value)
	}
	return fmt.Sprintf("%.3g", value)
}

// write writes the rows as JSON.
func write(path string, rows []row) error {
	if rows == nil {
		rows = []row{}
	}
	data, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return fmt.Errorf("render the figures: %w", err)
	}
	if err := os.WriteFile(path, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the figures: %w", err)
	}
	return nil
}
