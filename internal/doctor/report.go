package doctor

import "fmt"

// State says how serious a finding is.
type State string

// The states. Only a problem keeps Salvor from its promises; a warning is worth a look.
const (
	OK      State = "ok"
	Warning State = "warning"
	Problem State = "problem"
)

// Finding is what one check found.
type Finding struct {
	Part  string `json:"part"`  // what was looked at: "config", "server", "store", "cluster <name>", "policies", "alertmanager <url>", "alerts"
	Check string `json:"check"` // what was checked of it
	State State  `json:"state"`
	Found string `json:"found"`        // what was found, with its numbers
	Do    string `json:"do,omitempty"` // what to do about it; empty when it is well
}

// Report is what an examination found, in the order of salvor.yaml.
type Report struct {
	OK       int       `json:"ok"`
	Warnings int       `json:"warnings"`
	Problems int       `json:"problems"`
	Findings []Finding `json:"findings"`
}

func reportOf(findings []Finding) Report {
	r := Report{Findings: findings}
	for _, f := range findings {
		switch f.State {
		case OK:
			r.OK++
		case Warning:
			r.Warnings++
		case Problem:
			r.Problems++
		}
	}
	return r
}

// sheet collects the findings of one part. It is used by one goroutine.
type sheet struct {
	part     string
	findings []Finding
}

func (s *sheet) note(state State, check, do, found string) {
	s.findings = append(s.findings, Finding{s.part, check, state, found, do})
}

func (s *sheet) ok(check, found string, args ...any) {
	s.note(OK, check, "", fmt.Sprintf(found, args...))
}

func (s *sheet) warn(check, do, found string, args ...any) {
	s.note(Warning, check, do, fmt.Sprintf(found, args...))
}

func (s *sheet) problem(check, do, found string, args ...any) {
	s.note(Problem, check, do, fmt.Sprintf(found, args...))
}
