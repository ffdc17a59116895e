package regotest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/salvor-io/salvor/policies"
)

// readCases reads every case, by the path of its file. The error says all that is wrong.
func readCases(files map[string][]byte) (map[string]Case, error) {
	cases := map[string]Case{}
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		c, err := ReadCase(files[name])
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", placeOf(name, files[name], err), err))
		}
		cases[name] = c
	}
	return cases, errors.Join(wrong...)
}

// placeOf is a file, with the line where its JSON is wrong if the error tells.
func placeOf(name string, text []byte, err error) string {
	var syntax *json.SyntaxError
	var form *json.UnmarshalTypeError
	var at int64
	switch {
	case errors.As(err, &syntax):
		at = syntax.Offset
	case errors.As(err, &form):
		at = form.Offset
	case errors.Is(err, io.ErrUnexpectedEOF):
		at = int64(len(text))
	default:
		return name
	}
	return fmt.Sprintf("%s:%d", name, 1+bytes.Count(text[:max(at-1, 0)], []byte("\n")))
}

// judge runs the recorded cases, and adds what comes of them to the results.
func (r *run) judge(ctx context.Context) []Result {
	var results []Result
	for _, name := range slices.Sorted(maps.Keys(r.cases)) {
		c := r.cases[name]
		if !r.wanted(caseName(name, c)) {
			continue
		}
		began := time.Now()
		result := Result{Suite: name, Name: c.Name, File: name, Line: 1, Outcome: Passed}
		said, err := r.engine.AskTraced(ctx, c.Question, r.watch.cover)
		if err != nil {
			result.Outcome, result.Why = Broken, err.Error()
		} else if diff := c.Want.differs(policies.Settle(said, c.Question)); diff != "" {
			result.Outcome, result.Why = Failed, diff
		}
		result.DurationS = time.Since(began).Seconds()
		results = append(results, result)
	}
	return results
}

// caseName is what --run matches.
func caseName(file string, c Case) string { return file + ": " + c.Name }

// differs says in lines what is not as wanted, "" when all is. Rules are compared by their file: lines move when one edits.
func (w Want) differs(d policies.Decision) string {
	var lines []string
	say := func(what string, want, is any) {
		if fmt.Sprint(want) != fmt.Sprint(is) {
			lines = append(lines, fmt.Sprintf("%s: want %v, is %v", what, want, is))
		}
	}
	say("verdict", w.Verdict, d.Verdict)
	say("would", w.Would, d.Would)
	if w.Reasons != nil {
		lines = append(lines, missing("reasons", w.Reasons, d.Reasons)...)
	}
	if w.Held != nil {
		lines = append(lines, missing("held", w.Held, d.Held)...)
	}
	if w.Asks != nil {
		say("asks", asksText(w.Asks), asksText(d.Asks))
	}
	return strings.Join(lines, "\n")
}

// missing says which reasons are in one list alone.
func missing(what string, want, is []policies.Reason) []string {
	var lines []string
	count := map[policies.Reason]int{}
	for _, one := range want {
		count[byFile(one)]++
	}
	for _, one := range is {
		count[byFile(one)]--
	}
	order := func(a, b policies.Reason) int {
		return cmp.Or(cmp.Compare(a.Text, b.Text), cmp.Compare(a.Rule, b.Rule))
	}
	for _, one := range slices.SortedFunc(maps.Keys(count), order) {
		switch n := count[one]; {
		case n > 0:
			lines = append(lines, fmt.Sprintf("%s: lacks %q of %s", what, one.Text, one.Rule))
		case n < 0:
			lines = append(lines, fmt.Sprintf("%s: has %q of %s, which is not wanted", what, one.Text, one.Rule))
		}
	}
	return lines
}

// byFile is a reason with the file of its rule in place of the line.
func byFile(r policies.Reason) policies.Reason {
	if file, line, found := strings.Cut(r.Rule, ":"); found {
		if _, err := strconv.Atoi(line); err == nil {
			r.Rule = file
		}
	}
	return r
}

func asksText(a *policies.Asks) string {
	if a == nil {
		return "nobody"
	}
	text := fmt.Sprintf("at least %d people", a.Votes)
	for _, need := range a.Needs {
		text += fmt.Sprintf(", %d of %q", need.Votes, need.Groups)
	}
	if a.WithinS > 0 {
		text += fmt.Sprintf(", within %gs", a.WithinS)
	}
	return text + fmt.Sprintf(", then %s to %q", a.OnTimeout, a.EscalateTo)
}
