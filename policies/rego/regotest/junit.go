package regotest

import (
	"encoding/xml"
	"fmt"
	"io"
)

type junitSuites struct {
	XMLName  xml.Name      `xml:"testsuites"`
	Tests    int           `xml:"tests,attr"`
	Failures int           `xml:"failures,attr"`
	Errors   int           `xml:"errors,attr"`
	Skipped  int           `xml:"skipped,attr"`
	Suites   []*junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	File    string     `xml:"file,attr"`
	Line    int        `xml:"line,attr"`
	Time    string     `xml:"time,attr"`
	Failure *junitWhy  `xml:"failure"`
	Error   *junitWhy  `xml:"error"`
	Skipped *struct{}  `xml:"skipped"`
	Output  *junitText `xml:"system-out"`
}

type junitWhy struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

type junitText struct {
	Text string `xml:",chardata"`
}

// junit writes the report as the XML that most build servers read. A fact without which an answer is looser is a test that failed.
func (r *Report) junit(w io.Writer) error {
	all := &junitSuites{}
	for _, one := range r.Results {
		all.add(one)
	}
	if r.Dropped != nil {
		for i, one := range r.Dropped.Looser {
			all.add(Result{Suite: "dropped facts", Name: fmt.Sprintf("looser %d", i+1), File: one.File, Line: one.Line, Outcome: Failed, Why: one.Text})
		}
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	out := xml.NewEncoder(w)
	out.Indent("", "  ")
	if err := out.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *junitSuites) add(r Result) {
	suite := s.of(r.Suite)
	one := junitCase{Class: r.Suite, Name: r.Name, File: r.File, Line: r.Line, Time: fmt.Sprintf("%.3f", r.DurationS)}
	why := &junitWhy{Message: fmt.Sprintf("%s:%d", r.File, r.Line), Text: r.Why}
	switch r.Outcome {
	case Failed:
		one.Failure, s.Failures, suite.Failures = why, s.Failures+1, suite.Failures+1
	case Broken:
		one.Error, s.Errors, suite.Errors = why, s.Errors+1, suite.Errors+1
	case Skipped:
		one.Skipped, s.Skipped, suite.Skipped = &struct{}{}, s.Skipped+1, suite.Skipped+1
	}
	if r.Printed != "" {
		one.Output = &junitText{r.Printed}
	}
	s.Tests, suite.Tests = s.Tests+1, suite.Tests+1
	suite.Cases = append(suite.Cases, one)
}

// of is the suite of a name, made where it is new.
func (s *junitSuites) of(name string) *junitSuite {
	for _, one := range s.Suites {
		if one.Name == name {
			return one
		}
	}
	one := &junitSuite{Name: name}
	s.Suites = append(s.Suites, one)
	return one
}
