package authoring

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/salvor-io/salvor/internal/timeline"
	"github.com/salvor-io/salvor/policies"
)

// Evaluation is what rules say to a question, and how the decision comes of it.
type Evaluation struct {
	Said     policies.Said     `json:"said"`
	Way      []policies.Stage  `json:"way"`
	Decision policies.Decision `json:"decision"`
}

// Evaluate asks rules about a question.
func Evaluate(ctx context.Context, rules policies.Engine, q policies.Question) (Evaluation, error) {
	said, err := rules.Ask(ctx, q)
	if err != nil {
		return Evaluation{}, err
	}
	return Evaluation{said, policies.Explain(said, q), policies.Settle(said, q)}, nil
}

// Write tells the decision with its reasons.
func (e Evaluation) Write(w io.Writer) error {
	fmt.Fprintf(w, "%s, by revision %s\n", timeline.Verdict(e.Decision), e.Decision.Revision)
	if asks := e.Decision.Asks; asks != nil && asks.WithinS > 0 {
		fmt.Fprintf(w, "  within %s%s\n", time.Duration(asks.WithinS*float64(time.Second)), escalation(*asks))
	}
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range slices.Concat(e.Decision.Reasons, e.Decision.Held) {
		fmt.Fprintf(columns, "  %s\t%s\n", timeline.Plain(r.Text), timeline.Plain(r.Rule))
	}
	return columns.Flush()
}

func escalation(a policies.Asks) string {
	if a.OnTimeout != "escalate" {
		return ", then it expires"
	}
	return ", then " + timeline.Plain(strings.Join(a.EscalateTo, " or ")) + " are asked"
}

// Explain tells who said what, each step from there to the decision, and which step made it what it is.
func (e Evaluation) Explain(w io.Writer) error {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "What the rules said:")
	e.words(columns)
	if err := columns.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(columns, "How that became the answer:")
	var silent []string
	for _, s := range e.Way {
		if len(s.Why) == 0 {
			silent = append(silent, s.Name)
			continue
		}
		fmt.Fprintf(columns, "  %s\t%s\t%s\n", s.Name, answerAfter(s), sentences(s.Why))
	}
	if err := columns.Flush(); err != nil {
		return err
	}
	if len(silent) > 0 {
		fmt.Fprintf(w, "  nothing to add: %s\n", strings.Join(slices.Compact(silent), ", "))
	}
	_, err := fmt.Fprintf(w, "So it is %s, by revision %s.%s\n", timeline.Verdict(e.Decision), e.Decision.Revision, e.because())
	return err
}

// words lists what each rule said, by word.
func (e Evaluation) words(w io.Writer) {
	said := false
	line := func(word string, r policies.Reason, more string) {
		said = true
		fmt.Fprintf(w, "  %s\t%s\t%s%s\n", word, timeline.Plain(r.Rule), timeline.Plain(r.Text), more)
	}
	for _, r := range e.Said.Deny {
		line("deny", r, "")
	}
	for _, ask := range e.Said.Ask {
		word := "ask"
		if ask.Otherwise {
			word = "ask, if nobody else speaks"
		}
		line(word, ask.Reason, "")
	}
	for _, r := range e.Said.Act {
		line("act", r, "")
	}
	if !said {
		fmt.Fprintln(w, "  nothing\t\t")
	}
}

func answerAfter(s policies.Stage) string {
	return timeline.Verdict(policies.Decision{Verdict: s.Verdict, Would: s.Verdict, Asks: s.Asks})
}

func sentences(list []policies.Reason) string {
	texts := make([]string, len(list))
	for i, r := range list {
		texts[i] = timeline.Plain(r.Text)
	}
	return strings.Join(texts, "; ")
}

// because names the step that made the answer what it is, and what it was before.
func (e Evaluation) because() string {
	for i, s := range slices.Backward(e.Way) {
		if i > 0 && len(s.Why) > 0 && e.Way[i-1].Verdict != s.Verdict {
			return fmt.Sprintf(" It is so because of %s: without that it would be %s.", s.Name, strings.ToUpper(e.Way[i-1].Verdict.String()))
		}
	}
	return " The rules made it so."
}
