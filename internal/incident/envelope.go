package incident

import (
	"fmt"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Worse is what of a plan goes beyond one that was consented to, a sentence each: nothing where consent to the one is consent to the
// other. A plan is not worse that does less at the same steps: to fewer targets, or nothing where it is so already. A node stands for what runs
// on it.
func Worse(plan, consented *responders.Plan) []string {
	if plan.Runbook != consented.Runbook || plan.Cluster != consented.Cluster {
		return []string{fmt.Sprintf("another runbook: %s instead of %s", plan.Runbook, consented.Runbook)}
	}
	if len(plan.Steps) != len(consented.Steps) {
		return []string{fmt.Sprintf("%d steps instead of %d", len(plan.Steps), len(consented.Steps))}
	}
	var worse []string
	for n, step := range plan.Steps {
		worse = append(worse, worseStep(step, consented.Steps[n])...)
	}
	worse = append(worse, graver(plan.Facts(), consented.Facts())...)
	for _, check := range consented.Checks {
		if !slices.ContainsFunc(plan.Checks, func(c responders.Check) bool {
			return c.Name == check.Name && c.Change.Responder == check.Change.Responder
		}) {
			worse = append(worse, fmt.Sprintf("%s is not checked at its end any more", check.Name))
		}
	}
	return worse
}

// worseStep compares two steps of one place.
func worseStep(step, was responders.Step) []string {
	if step.Name != was.Name || step.Change.Responder != was.Change.Responder {
		return []string{fmt.Sprintf("another step: %s (%s) instead of %s (%s)", step.Name, step.Change.Responder, was.Name, was.Change.Responder)}
	}
	now, then := step.Change, was.Change
	worse := more("targets of step "+step.Name, beyond(names(now.Targets), names(then.Targets)))
	worse = append(worse, more("warnings of step "+step.Name, beyond(now.Warnings, then.Warnings))...)
	if now.Class > then.Class {
		worse = append(worse, fmt.Sprintf("step %s is %s now, and was %s", step.Name, now.Class, then.Class))
	}
	if then.Nothing && !now.Nothing {
		worse = append(worse, fmt.Sprintf("step %s was done already, and is not any more", step.Name))
	}
	worse = append(worse, losesMore(step.Name, now, then)...)
	if step.OnFailure != was.OnFailure && step.OnFailure == responders.OnFailureContinue {
		worse = append(worse, fmt.Sprintf("the plan goes on when step %s fails, and stopped before", step.Name))
	}
	return worse
}

// losesMore compares what two changes lose. Where both lead back to a recovery point, the older one loses more, however the loss is put: the words
// count the time that has passed since.
func losesMore(step string, now, then responders.Change) []string {
	switch {
	case now.Point != nil && then.Point == nil:
		return []string{fmt.Sprintf("step %s leads back to %s, and led back to nothing before", step, pointOf(now))}
	case now.Point != nil && now.Point.At.Before(then.Point.At):
		return []string{fmt.Sprintf("step %s leads back to %s instead of %s", step, pointOf(now), pointOf(then))}
	case now.Point != nil, now.DataLoss == "", now.DataLoss == then.DataLoss:
		return nil
	}
	return []string{fmt.Sprintf("data loss of step %s: %s (was: %s)", step, now.DataLoss, orNone(then.DataLoss))}
}

func pointOf(c responders.Change) string {
	return c.Point.At.UTC().Format("2006-01-02 15:04:05 UTC") + " (" + c.Point.Name + ")"
}

// graver is what grave facts tell of that they did not tell of before: what stays down now and would have moved. Facts of one label are
// compared by what they are about, and where not all of that is told, by how much it is.
func graver(now, then []responders.Fact) []string {
	var worse []string
	for _, fact := range now {
		if !fact.Grave {
			continue
		}
		was := labelled(then, fact.Label)
		others := beyond(abouts(fact), abouts(was))
		switch {
		case len(abouts(was)) == was.Count && len(others) > 0:
			worse = append(worse, more(strings.ToLower(fact.Label), others)...)
		case fact.Count > was.Count:
			worse = append(worse, fmt.Sprintf("%s: %d instead of %d", strings.ToLower(fact.Label), fact.Count, was.Count))
		}
	}
	return worse
}

func labelled(facts []responders.Fact, label string) responders.Fact {
	if at := slices.IndexFunc(facts, func(f responders.Fact) bool { return f.Label == label }); at >= 0 {
		return facts[at]
	}
	return responders.Fact{Label: label}
}

// abouts are what the lines of a fact are about: "deployment/shop/web: 2 of 3 pods find no room". The line that says how many are left
// out is about nothing.
func abouts(f responders.Fact) []string {
	var out []string
	for n, line := range f.Lines {
		if about, _, _ := strings.Cut(line, ": "); n < len(f.Lines)-1 || len(f.Lines) >= f.Count {
			out = append(out, about)
		}
	}
	return out
}

// touchesNothingElse says that a plan is about nothing that another is not about.
func touchesNothingElse(plan, other *responders.Plan) bool {
	known := map[string]bool{}
	for _, t := range other.Targets() {
		known[t.String()] = true
	}
	return !slices.ContainsFunc(plan.Targets(), func(t policies.Target) bool { return !known[t.String()] })
}

// names are targets as they are told apart: another object of the same name is another target.
func names(targets []policies.Target) []string {
	out := make([]string, len(targets))
	for i, t := range targets {
		out[i] = t.String()
		if t.UID != "" {
			out[i] += " (" + t.UID + ")"
		}
	}
	return out
}

// beyond is what of one list is not in the other.
func beyond(now, then []string) []string {
	known := map[string]bool{}
	for _, name := range then {
		known[name] = true
	}
	return slices.DeleteFunc(slices.Clone(now), func(name string) bool { return known[name] })
}

// maxNamed bounds how much one sentence names.
const maxNamed = 5

func more(of string, names []string) []string {
	if len(names) == 0 {
		return nil
	}
	text := fmt.Sprintf("%s: %d more: %s", of, len(names), strings.Join(names[:min(maxNamed, len(names))], ", "))
	if others := len(names) - maxNamed; others > 0 {
		text += fmt.Sprintf(" and %d others", others)
	}
	return []string{text}
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}
