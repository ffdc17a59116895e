package rollout

import (
	"fmt"
	"strings"
	"time"

	"github.com/salvor-io/salvor/policies"
)

const (
	maxTold     = 10  // differences of a sort that a report tells of
	maxSentence = 140 // characters of one of its sentences
)

// Report says what a candidate would change.
type Report struct {
	Reference Sums         `json:"reference"` // of the fixed set of questions
	Recorded  Sums         `json:"recorded"`  // of those that were decided lately
	From      time.Time    `json:"from"`      // the oldest of them; zero when there is none
	Cut       bool         `json:"cut"`       // there was no time for all of them, or there are more
	Differ    []Difference `json:"differ"`    // the looser first; 10 of a sort at most
}

// Sums count questions by how the candidate answers.
type Sums struct {
	Same    int `json:"same"`
	Tighter int `json:"tighter"`
	Looser  int `json:"looser"`
}

// Difference is one question that a candidate answers otherwise.
type Difference struct {
	Change   policies.Change `json:"change"`
	Now      time.Time       `json:"now"` // of the question
	Incident string          `json:"incident"`
	Cluster  string          `json:"cluster"`
	About    string          `json:"about"` // "node/worker-1: recover, disruptive, runbook node-failure, production"
	Was      string          `json:"was"`
	Is       string          `json:"is"`

	like string // what of the question makes it another, beside its answers
}

func (s *Sums) add(c policies.Change) {
	switch c {
	case policies.Same:
		s.Same++
	case policies.Tighter:
		s.Tighter++
	case policies.Looser:
		s.Looser++
	}
}

// looser says whether anything gets looser.
func (r *Report) looser() bool { return r.Reference.Looser+r.Recorded.Looser > 0 }

// add counts a question, and tells of it where there is room and nothing like it is told of.
func (r *Report) add(to *Sums, d Difference) {
	to.add(d.Change)
	told := 0
	for _, other := range r.Differ {
		if other.like == d.like && other.Was == d.Was && other.Is == d.Is {
			return
		}
		if other.Change == d.Change {
			told++
		}
	}
	switch {
	case d.Change == policies.Same || told >= maxTold:
	case d.Change == policies.Looser:
		r.Differ = append(r.Differ[:told:told], append([]Difference{d}, r.Differ[told:]...)...)
	default:
		r.Differ = append(r.Differ, d)
	}
}

// String is the report in one sentence.
func (r *Report) String() string {
	return fmt.Sprintf("of %s: %s; of %s: %s", count(r.Reference, "reference question"), r.Reference, count(r.Recorded, "recorded question"), r.Recorded)
}

// String says what of how many.
func (s Sums) String() string {
	return fmt.Sprintf("%d the same, %d tighter, %d looser", s.Same, s.Tighter, s.Looser)
}

func count(s Sums, what string) string {
	n := s.Same + s.Tighter + s.Looser
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// differenceOf compares two decisions about a question.
func differenceOf(q policies.Question, was, is policies.Decision) Difference {
	return Difference{Change: policies.Compare(was, is), Now: q.Now, Incident: q.Incident.ID, Cluster: q.Cluster.Name, About: short(aboutOf(q)),
		Was: saying(was), Is: saying(is), like: fmt.Sprint(q.Incident.ID, q.Fault.Kind, q.Plan.Phase, q.Plan.Class)}
}

// aboutOf is what a question asks about.
func aboutOf(q policies.Question) string {
	if q.Plan.Runbook == "" {
		return q.Fault.Anchor + ": no plan"
	}
	words := []string{q.Plan.Phase, q.Plan.Class.String()}
	if q.Incident.ID != "" {
		words = append(words, "runbook "+q.Plan.Runbook)
	} else if q.Plan.Digest != calmDay {
		words = append(words, q.Plan.Digest)
	}
	if q.Protection.Level > 0 {
		words = append(words, fmt.Sprintf("DR level %d", q.Protection.Level))
	}
	if q.Cluster.Environment != "" {
		words = append(words, q.Cluster.Environment)
	}
	return q.Fault.Anchor + ": " + strings.Join(words, ", ")
}

// saying is a decision in a sentence.
func saying(d policies.Decision) string {
	words := d.Verdict.String()
	if d.Would != d.Verdict {
		words += fmt.Sprintf(" (would %s)", d.Would)
	}
	if d.Asks != nil {
		words += " " + d.Asks.Whom()
		if d.Asks.WithinS > 0 {
			words += fmt.Sprintf(" within %s", time.Duration(d.Asks.WithinS*float64(time.Second)))
		}
	}
	for _, why := range append(d.Held, d.Reasons...) {
		return short(words + ": " + why.Text)
	}
	return short(words)
}

func short(text string) string {
	if letters := []rune(text); len(letters) > maxSentence {
		return string(letters[:maxSentence-1]) + "…"
	}
	return text
}
