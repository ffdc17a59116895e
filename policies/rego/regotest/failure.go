package regotest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// failed says which expression was the last that did not hold, with the values in it.
func (r *Result) failed(trace []*topdown.Event) {
	r.Outcome = Failed
	for _, event := range slices.Backward(trace) {
		if !decided(event) {
			continue
		}
		var shown strings.Builder
		if err := topdown.PrettyEvent(&shown, event, topdown.PrettyEventOpts{PrettyVars: true}); err != nil {
			break
		}
		r.File, r.Line, r.Why = event.Location.File, event.Location.Row, trimLines(shown.String())+variables(event)
		return
	}
	r.Why = "it is not true"
}

// maxShown bounds the value of a variable that is shown, in characters.
const maxShown = 500

// variables are the values that the test has set before, a line each: those that stand in a comprehension are not among the values of
// an expression.
func variables(event *topdown.Event) string {
	if event.Locals == nil {
		return ""
	}
	var lines []string
	event.Locals.Iter(func(name, value ast.Value) bool {
		if name, ok := name.(ast.Var); ok && !event.LocalMetadata[name].Name.IsGenerated() && event.LocalMetadata[name].Name != "" {
			text := value.String()
			if len(text) > maxShown {
				text = text[:maxShown] + "..."
			}
			lines = append(lines, fmt.Sprintf("\nwhere %s is %s", event.LocalMetadata[name].Name, text))
		}
		return false
	})
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// decided says that an event is an expression that did not hold. An every is passed over: what did not hold within it says more.
func decided(event *topdown.Event) bool {
	if event.Op != topdown.FailOp || event.Location == nil || event.Location.File == "" {
		return false
	}
	expr, ok := event.Node.(*ast.Expr)
	if !ok {
		return false
	}
	_, every := expr.Terms.(*ast.Every)
	return !every
}

// trimLines takes the indentation of the first line from each.
func trimLines(text string) string {
	margin := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
	lines := strings.Split(strings.TrimRight(text, " \t\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(strings.TrimPrefix(line, margin), " \t")
	}
	return strings.Join(lines, "\n")
}

// broken says why a test could not be evaluated, and where.
func (r *Result) broken(err error) {
	r.Outcome, r.Why = Broken, err.Error()
	var inRule *topdown.Error
	switch {
	case topdown.IsCancel(err):
		r.Why = fmt.Sprintf("it does not end within %s", deadline)
	case errors.As(err, &inRule):
		r.Why = inRule.Message
		if inRule.Location != nil {
			r.File, r.Line = inRule.Location.File, inRule.Location.Row
		}
	}
}
