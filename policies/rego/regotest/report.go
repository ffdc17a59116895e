package regotest

import (
	"cmp"
	"slices"
)

// Outcome is how a test ended.
type Outcome string

// The outcomes. A broken test could not be evaluated; a skipped one is named todo_test_... and was not.
const (
	Passed  Outcome = "pass"
	Failed  Outcome = "fail"
	Broken  Outcome = "error"
	Skipped Outcome = "skip"
)

// Result is one test: a rule, one case of a table test, or a recorded case.
type Result struct {
	Suite     string  `json:"suite"` // the package of a rule, the file of a recorded case
	Name      string  `json:"name"`  // "test_closed", "test_days/sunday"
	File      string  `json:"file"`  // where it stands, and where it failed
	Line      int     `json:"line"`
	Outcome   Outcome `json:"outcome"`
	Why       string  `json:"why,omitempty"`     // the expression that failed with the values in it, in lines
	Printed   string  `json:"printed,omitempty"` // what its rules printed
	DurationS float64 `json:"duration_s"`        // of the whole table for one of its cases
}

// Bad says that the test failed or could not be evaluated.
func (r Result) Bad() bool { return r.Outcome == Failed || r.Outcome == Broken }

// Report is what a run of tests found.
type Report struct {
	Revision string   `json:"revision"` // of the rules
	Results  []Result `json:"results"`
	Coverage Coverage `json:"coverage"`
	Dropped  *Dropped `json:"dropped_facts,omitempty"` // nil when no facts were dropped
}

// Count is the number of tests that ended so.
func (r *Report) Count(outcome Outcome) int {
	n := 0
	for _, one := range r.Results {
		if one.Outcome == outcome {
			n++
		}
	}
	return n
}

// Ran is the number of tests that were evaluated.
func (r *Report) Ran() int { return len(r.Results) - r.Count(Skipped) }

// Well says that something ran, and that nothing bad came of it. Coverage has no part in it.
func (r *Report) Well() bool {
	return r.Ran() > 0 && !slices.ContainsFunc(r.Results, Result.Bad) && (r.Dropped == nil || len(r.Dropped.Looser) == 0)
}

func (r *Report) sort() {
	slices.SortFunc(r.Results, func(a, b Result) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Name, b.Name))
	})
}
