package regotest

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"

	"github.com/salvor-io/salvor/policies/rego"
)

// Coverage says which lines of the author's own rules some test reached.
type Coverage struct {
	Percent float64        `json:"percent"` // of the lines of all files that can be reached; 100 when there are none
	Files   []FileCoverage `json:"files"`
}

// FileCoverage is the coverage of one file.
type FileCoverage struct {
	File       string  `json:"file"`
	Percent    float64 `json:"percent"`
	NotReached []Lines `json:"not_reached"`
}

// Lines are lines that follow each other, both ends included.
type Lines struct {
	From int `json:"from"`
	To   int `json:"to"`
}

func coverageOf(reached *cover.Cover, suite *rego.Suite) Coverage {
	modules := map[string]*ast.Module{}
	for _, name := range suite.Own {
		modules[name] = suite.Modules[name]
	}
	report := reached.Report(modules)
	all, covered, lines := Coverage{Files: []FileCoverage{}}, 0, 0
	for _, name := range suite.Own {
		of := report.Files[name]
		all.Files = append(all.Files, FileCoverage{File: name, Percent: percent(of.CoveredLines, of.CoveredLines+of.NotCoveredLines),
			NotReached: linesOf(of.NotCovered)})
		covered, lines = covered+of.CoveredLines, lines+of.CoveredLines+of.NotCoveredLines
	}
	all.Percent = percent(covered, lines)
	return all
}

func percent(part, whole int) float64 {
	if whole == 0 {
		return 100
	}
	return 100 * float64(part) / float64(whole)
}

// linesOf joins ranges that touch.
func linesOf(ranges []cover.Range) []Lines {
	all := []Lines{}
	slices.SortFunc(ranges, cover.Range.Compare)
	for _, one := range ranges {
		if last := len(all) - 1; last >= 0 && one.Start.Row <= all[last].To+1 {
			all[last].To = max(all[last].To, one.End.Row)
			continue
		}
		all = append(all, Lines{one.Start.Row, one.End.Row})
	}
	return all
}
